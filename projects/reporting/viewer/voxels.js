// Unpacking of what the page carries.

/** Bytes of base64 of gzip. */
async function unpackBytes(text) {
  const packed = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).arrayBuffer();
}

/** Voxels of a volume: flat indices, their classes, and the dense grid of classes (255: nothing to see). */
async function unpackVoxels(text, grid) {
  const bytes = await unpackBytes(text);
  const count = bytes.byteLength / 5;
  const index = new Uint32Array(bytes, 0, count);
  const classes = new Uint8Array(bytes, 4 * count, count);
  const dense = new Uint8Array(grid[0] * grid[1] * grid[2]).fill(255);
  for (let i = 0; i < count; i++) {
    if (i > 0) index[i] += index[i - 1];
    dense[index[i]] = classes[i];
  }
  return { index, classes, dense };
}

/** Run the library that the page carries; it defines THREE. */
async function loadLibrary(text) {
  const script = document.createElement('script');
  script.textContent = new TextDecoder().decode(await unpackBytes(text));
  document.head.append(script);
}
