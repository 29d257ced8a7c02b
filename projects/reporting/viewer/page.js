// The page around the panels: buttons, legend, images, frames and keys.

const byId = (id) => document.getElementById(id);

function showProblem(error) {
  byId('problem').textContent = `This page could not be drawn: ${error.message || error}`;
  byId('problem').hidden = false;
  document.body.dataset.problem = String(error.message || error);
}

/** Numbers of drawn boxes by volume, for those who look at the page with a program. */
function tellState(panels) {
  document.body.dataset.boxes = JSON.stringify(Object.fromEntries(panels.panels.map(({ name, count }) => [name, count])));
}

/** A button for each volume: in and out of sight. */
function addVolumeButtons(panels) {
  const buttons = panels.panels.map((panel) => {
    const button = byId('volumes').appendChild(document.createElement('button'));
    button.textContent = panel.name;
    return button;
  });
  const choose = (shown) => {
    if (!shown.some(Boolean)) return;
    panels.panels.forEach((panel, i) => {
      panel.shown = shown[i];
      buttons[i].setAttribute('aria-pressed', String(shown[i]));
    });
    panels.draw();
  };
  buttons.forEach((button, i) => {
    button.onclick = () => choose(panels.panels.map((panel, j) => (i === j ? !panel.shown : panel.shown)));
  });
  choose(buttons.map(() => true));
  return choose;
}

/** A row for each class: in and out of sight. */
function addLegend(panels, { classes, palette }) {
  const ticks = classes.map((name, id) => {
    const label = byId('legend').appendChild(document.createElement('label'));
    const tick = label.appendChild(document.createElement('input'));
    const colour = label.appendChild(document.createElement('i'));
    Object.assign(tick, { type: 'checkbox', checked: true });
    tick.dataset.class = name;
    colour.style.background = `rgb(${palette[id].join(', ')})`;
    label.append(name);
    return tick;
  });
  const update = () => {
    panels.hidden = new Set(ticks.flatMap((tick, id) => (tick.checked ? [] : [id])));
    panels.fill();
    tellState(panels);
  };
  const setAll = (checked) => () => {
    ticks.forEach((tick) => { tick.checked = checked; });
    update();
  };
  ticks.forEach((tick) => { tick.onchange = update; });
  byId('all').onclick = setAll(true);
  byId('none').onclick = setAll(false);
  return () => {
    const present = new Set(panels.panels.flatMap(({ voxels }) => (voxels ? [...new Set(voxels.classes)] : [])));
    ticks.forEach((tick, id) => tick.parentElement.classList.toggle('absent', !present.has(id)));
  };
}

/** The images of a frame; the pixel under the pointer sends its ray into the scene. */
function showImages(panels, cameras) {
  byId('images').replaceChildren(...cameras.filter(({ image }) => image).map((camera) => {
    const figure = document.createElement('figure');
    const image = figure.appendChild(document.createElement('img'));
    figure.style.flexBasis = `calc(22vh * ${camera.width / camera.height})`;
    figure.appendChild(document.createElement('figcaption')).textContent = camera.name;
    Object.assign(image, { src: camera.image, alt: camera.name, draggable: false });
    image.onpointermove = (event) => {
      const box = image.getBoundingClientRect();
      const u = ((event.clientX - box.left) / box.width) * camera.width - 0.5;
      const v = ((event.clientY - box.top) / box.height) * camera.height - 0.5;
      panels.setRay(pixelRay(camera, u, v));
    };
    image.onpointerleave = () => panels.setRay(null);
    image.onclick = () => panels.lookFrom(camera);
    return figure;
  }));
}

/** Frames: goTo(i) shows one; the bar and the play button where there are several. */
function addFrames(panels, content, onShown) {
  let [wanted, timer] = [0, null];
  const bar = byId('frame');
  const goTo = async (number) => {
    wanted = Math.min(Math.max(number, 0), content.frames.length - 1);
    const [asked, frame] = [wanted, content.frames[wanted]];
    const pairs = Object.entries(frame.volumes).map(async ([name, text]) => [name, await unpackVoxels(text, content.grid)]);
    const volumes = Object.fromEntries(await Promise.all(pairs));
    if (asked !== wanted) return;
    bar.value = asked;
    byId('frame-name').textContent = `${frame.name} (${asked + 1} of ${content.frames.length})`;
    showImages(panels, frame.cameras);
    panels.setFrame(volumes, frame.cameras);
    onShown();
  };
  const play = () => {
    clearInterval(timer);
    timer = timer ? null : setInterval(() => goTo((wanted + 1) % content.frames.length), 500);
    byId('play').textContent = timer ? '\u23F8' : '\u25B6';
  };
  bar.max = content.frames.length - 1;
  bar.oninput = () => goTo(Number(bar.value)).catch(showProblem);
  byId('play').onclick = play;
  byId('scrub').hidden = content.frames.length < 2;
  return { goTo, play, step: (by) => goTo(wanted + by) };
}

/** Under the pointer, every panel says which voxel the eye sees there in its volume. */
function addPointer(panels) {
  const canvas = byId('view');
  canvas.addEventListener('pointermove', (event) => {
    const box = canvas.getBoundingClientRect();
    if (!event.buttons) panels.setRay(panels.rayOfEye(event.clientX - box.left, event.clientY - box.top), true);
  });
  canvas.addEventListener('pointerleave', () => panels.setRay(null));
}

function addKeys(panels, choose, frames) {
  const actions = {
    r: () => panels.lookFromBehind(),
    t: () => panels.lookFromAbove(),
    ' ': frames.play,
    ArrowLeft: () => frames.step(-1),
    ArrowRight: () => frames.step(1),
    '0': () => choose(panels.panels.map(() => true)),
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === ' ' && event.target.closest('button, input')) return;
    const solo = Number(event.key) - 1;
    const action = actions[event.key] || (panels.panels[solo] && (() => choose(panels.panels.map((_, i) => i === solo))));
    if (!action) return;
    event.preventDefault();
    action();
  });
}

async function main() {
  const content = JSON.parse(byId('content').textContent);
  await loadLibrary(byId('library').textContent);
  const panels = new Panels(byId('view'), byId('labels'), content);
  const choose = addVolumeButtons(panels);
  const markPresent = addLegend(panels, content);
  const frames = addFrames(panels, content, () => {
    markPresent();
    tellState(panels);
  });
  addPointer(panels);
  addKeys(panels, choose, frames);
  await frames.goTo(0);
  panels.render();
  document.body.dataset.milliseconds = String(Math.round(performance.now()));
  document.dispatchEvent(new Event('viewer-ready'));
}

window.addEventListener('error', (event) => showProblem(event.error || event));
window.addEventListener('unhandledrejection', (event) => showProblem(event.reason));
main();
