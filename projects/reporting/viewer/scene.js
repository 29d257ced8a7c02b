// Things to draw, as objects of three.js.

/** Picture of the side of a voxel: white with darker edges. */
function sideTexture() {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 32;
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, 32, 32);
  pen.strokeStyle = '#999';
  pen.lineWidth = 3;
  pen.strokeRect(0, 0, 32, 32);
  const texture = new THREE.CanvasTexture(canvas);
  texture.colorSpace = THREE.SRGBColorSpace;
  texture.anisotropy = 4;
  return texture;
}

/** The sides of a box as geometries of their own, in the order +x, -x, +y, -y, +z, -z. */
function boxSides(size) {
  const { position, normal, uv } = new THREE.BoxGeometry(...size).attributes;
  return [0, 1, 2, 3, 4, 5].map((side) => {
    const geometry = new THREE.BufferGeometry();
    for (const [name, attribute] of Object.entries({ position, normal, uv })) {
      const values = 4 * attribute.itemSize;
      const part = attribute.array.slice(side * values, (side + 1) * values);
      geometry.setAttribute(name, new THREE.BufferAttribute(part, attribute.itemSize));
    }
    return geometry.setIndex([0, 2, 1, 2, 3, 1]);
  });
}

/** Voxels of a volume: fill(voxels, hidden) says which, clear() frees them. Six draw calls, one for each side. */
class VoxelBoxes {
  constructor(content, material) {
    const { range, grid, palette } = content;
    this.grid = grid;
    this.lower = range.slice(0, 3);
    this.size = grid.map((cells, axis) => (range[axis + 3] - range[axis]) / cells);
    this.sides = boxSides(this.size);
    this.material = material;
    this.colours = palette.map(([r, g, b]) => new THREE.Color().setRGB(r / 255, g / 255, b / 255, THREE.SRGBColorSpace));
    this.group = new THREE.Group();
  }

  /** Draw the voxels whose class is not among the hidden ones; returns their number. */
  fill(voxels, hidden) {
    this.clear();
    const shown = Uint8Array.from({ length: 256 }, (_, id) => Number(id !== 255 && !hidden.has(id)));
    const faces = this.openFaces(voxels, shown);
    faces.forEach((places, side) => { if (places.length) this.addFaces(voxels, places, side); });
    return voxels.classes.reduce((sum, id) => sum + shown[id], 0);
  }

  /** For each side, the voxels that are drawn and have none that is drawn in front of that side. */
  openFaces({ index, classes, dense }, shown) {
    const [nx, ny, nz] = this.grid;
    const faces = this.sides.map(() => []);
    for (let i = 0; i < index.length; i++) {
      if (!shown[classes[i]]) continue;
      const flat = index[i];
      const [x, y, z] = this.cellOf(flat);
      if (x === nx - 1 || !shown[dense[flat + ny * nz]]) faces[0].push(i);
      if (x === 0 || !shown[dense[flat - ny * nz]]) faces[1].push(i);
      if (y === ny - 1 || !shown[dense[flat + nz]]) faces[2].push(i);
      if (y === 0 || !shown[dense[flat - nz]]) faces[3].push(i);
      if (z === nz - 1 || !shown[dense[flat + 1]]) faces[4].push(i);
      if (z === 0 || !shown[dense[flat - 1]]) faces[5].push(i);
    }
    return faces;
  }

  cellOf(flat) {
    const [, ny, nz] = this.grid;
    return [Math.floor(flat / (ny * nz)), Math.floor(flat / nz) % ny, flat % nz];
  }

  /** Add one side of some voxels. */
  addFaces({ index, classes }, places, side) {
    const mesh = new THREE.InstancedMesh(this.sides[side], this.material, places.length);
    mesh.frustumCulled = false;
    mesh.setColorAt(0, this.colours[0]);
    const [matrices, colours] = [mesh.instanceMatrix.array.fill(0), mesh.instanceColor.array];
    places.forEach((place, i) => {
      const [cell, at] = [this.cellOf(index[place]), 16 * i];
      matrices[at] = matrices[at + 5] = matrices[at + 10] = matrices[at + 15] = 1;
      for (let axis = 0; axis < 3; axis++) {
        matrices[at + 12 + axis] = this.lower[axis] + (cell[axis] + 0.5) * this.size[axis];
      }
      this.colours[classes[place]].toArray(colours, 3 * i);
    });
    this.group.add(mesh);
  }

  clear() {
    this.group.children.forEach((mesh) => mesh.dispose());
    this.group.clear();
  }
}

/** Coloured lines from pairs of points. */
function lines(points, colours) {
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute('position', new THREE.BufferAttribute(new Float32Array(points.flat()), 3));
  geometry.setAttribute('color', new THREE.BufferAttribute(new Float32Array(colours.flat()), 3));
  return new THREE.LineSegments(geometry, new THREE.LineBasicMaterial({ vertexColors: true }));
}

/** Axes of the car (red: forward, green: left, blue: up) and the outline of the floor of the grid. */
function landmarks(range) {
  const [x0, y0, z0, x1, y1] = range;
  const corners = [[x0, y0, z0], [x1, y0, z0], [x1, y1, z0], [x0, y1, z0]];
  const outline = corners.flatMap((corner, i) => [corner, corners[(i + 1) % 4]]);
  const axes = [[0, 0, 0], [4, 0, 0], [4, 0, 0], [3.2, 0.5, 0], [4, 0, 0], [3.2, -0.5, 0],
    [0, 0, 0], [0, 2, 0], [0, 0, 0], [0, 0, 2]];
  const paint = [...Array(6).fill([0.8, 0, 0]), [0, 0.5, 0], [0, 0.5, 0], [0, 0, 0.8], [0, 0, 0.8]];
  const group = new THREE.Group();
  const ego = lines(axes, paint);
  ego.material.depthTest = false;
  ego.renderOrder = 1;
  group.add(lines(outline, outline.map(() => [0.35, 0.38, 0.42])), ego);
  return group;
}

/** Frusta of cameras, 1.5 m deep, with a mark on the upper side. */
function frusta(cameras) {
  const points = cameras.flatMap((camera) => {
    const [right, bottom] = [camera.width - 0.5, camera.height - 0.5];
    const pixels = [[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom], [right / 2, -0.18 * bottom]];
    const ends = pixels.map(([u, v]) => {
      const { origin, direction } = pixelRay(camera, u, v);
      return origin.map((value, axis) => value + 1.5 * direction[axis]);
    });
    const eye = pixelRay(camera, 0, 0).origin;
    const sides = ends.slice(0, 4).flatMap((end, i) => [eye, end, end, ends[(i + 1) % 4]]);
    return [...sides, ends[0], ends[4], ends[4], ends[1]];
  });
  const drawn = lines(points, points.map(() => [0.1, 0.1, 0.1]));
  drawn.material.depthTest = false;
  drawn.renderOrder = 1;
  return drawn;
}

/** The ray of a pixel as a beam with a ball at its end. */
class Beam {
  constructor() {
    const material = new THREE.MeshBasicMaterial({ color: 0xff00c8, depthTest: false });
    this.rod = new THREE.Mesh(new THREE.BoxGeometry(0.2, 0.2, 1), material);
    this.ball = new THREE.Mesh(new THREE.SphereGeometry(0.6, 16, 12), material);
    this.rod.renderOrder = this.ball.renderOrder = 2;
    this.group = new THREE.Group();
    this.group.add(this.rod, this.ball);
  }

  /** Draw the ray up to t; its end is marked where it meets a voxel. */
  set(ray, t, meets) {
    const [start, way] = [new THREE.Vector3(...ray.origin), new THREE.Vector3(...ray.direction).multiplyScalar(t)];
    this.ball.position.copy(start).add(way);
    this.ball.visible = meets;
    this.rod.position.copy(start).addScaledVector(way, 0.5);
    this.rod.scale.z = Math.max(way.length(), 1e-6);
    this.rod.lookAt(this.ball.position);
  }
}
