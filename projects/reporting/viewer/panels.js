// Panels: each shows one volume, all from the same eye.

const GROUND = 0xc9cdd3;

/** Columns and rows of panels in a window. */
function panelLayout(count, width, height) {
  const side = Math.sqrt(count);
  const columns = count <= 3 && width >= count * height * 0.6 ? count : width < height ? Math.floor(side) : Math.ceil(side);
  return { columns, rows: Math.ceil(count / columns) };
}

/** Degrees from top to bottom, such that a narrow panel does not cut the sides off. */
function fieldOfView(aspect) {
  return (360 / Math.PI) * Math.atan(Math.tan((25 * Math.PI) / 180) * Math.max(1, 1.2 / aspect));
}

class Panels {
  constructor(canvas, labels, content) {
    this.content = content;
    this.canvas = canvas;
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true });
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    this.renderer.setScissorTest(true);
    this.renderer.setClearColor(GROUND);
    this.scene = new THREE.Scene();
    const sun = new THREE.DirectionalLight(0xffffff, 2.2);
    sun.position.set(-2, 1.2, 4);
    this.rig = new THREE.Group();
    this.scene.add(new THREE.AmbientLight(0xffffff, 1.5), sun, landmarks(content.range), this.rig);
    const material = new THREE.MeshLambertMaterial({ map: sideTexture() });
    this.panels = content.names.map((name) => {
      const label = labels.appendChild(document.createElement('span'));
      const panel = { name, label, boxes: new VoxelBoxes(content, material), beam: new Beam(), shown: true, voxels: null };
      panel.beam.group.visible = panel.boxes.group.visible = false;
      this.scene.add(panel.boxes.group, panel.beam.group);
      return panel;
    });
    this.hidden = new Set();
    [this.ray, this.ofEye] = [null, false];
    this.camera = new THREE.PerspectiveCamera(50, 1, 0.1, 1000);
    this.camera.up.set(0, 0, 1);
    this.controls = new THREE.OrbitControls(this.camera, canvas);
    this.controls.addEventListener('change', () => this.draw());
    this.waiting = false;
    this.lookFromBehind();
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
  }

  /** Move the eye; forward is up in both views. */
  look(eye, target) {
    this.camera.position.set(...eye);
    this.controls.target.set(...target);
    this.controls.update();
    this.draw();
  }

  lookFromBehind() {
    const [x0, , , x1] = this.content.range;
    const reach = (x1 - x0) / 2;
    const middle = (x0 + x1) / 2;
    this.look([middle - 1.1 * reach, 0, 0.95 * reach], [middle, 0, 0]);
  }

  lookFromAbove() {
    const [x0, , , x1] = this.content.range;
    const middle = (x0 + x1) / 2;
    this.look([middle - 0.01, 0, 1.15 * (x1 - x0)], [middle, 0, 0]);
  }

  lookFrom(camera) {
    const { origin, direction } = pixelRay(camera, (camera.width - 1) / 2, (camera.height - 1) / 2);
    this.look(origin, origin.map((value, axis) => value + 8 * direction[axis]));
  }

  /** Show the volumes of a frame; those that it lacks are empty. */
  setFrame(volumes, cameras) {
    for (const panel of this.panels) panel.voxels = volumes[panel.name] || null;
    this.rig.children.forEach((child) => child.geometry.dispose());
    this.rig.clear();
    if (cameras.length) this.rig.add(frusta(cameras));
    this.setRay(null);
    this.fill();
  }

  /** Fill the boxes again, after the frame or the hidden classes have changed. */
  fill() {
    for (const panel of this.panels) {
      panel.count = panel.voxels ? panel.boxes.fill(panel.voxels, this.hidden) : 0;
      if (!panel.voxels) panel.boxes.clear();
    }
    this.setRay(this.ray, this.ofEye);
  }

  /** Ray from the eye through a place of the canvas, in pixels; its direction has length 1. */
  rayOfEye(x, y) {
    const [w, h] = this.panelSize;
    const end = new THREE.Vector3((2 * (x % w)) / w - 1, 1 - (2 * (y % h)) / h, 0.5).unproject(this.camera);
    const origin = this.camera.position.toArray();
    return { origin, direction: end.sub(this.camera.position).normalize().toArray() };
  }

  /** Send a ray to the voxel that it meets in every panel, which say so; null ends it. That of the eye is not drawn. */
  setRay(ray, ofEye = false) {
    [this.ray, this.ofEye] = [ray, ofEye];
    for (const panel of this.panels) {
      panel.hit = ray && panel.voxels ? this.trace(panel, ray) : null;
      if (panel.hit) panel.beam.set(ray, panel.hit.t, panel.hit.index >= 0);
      panel.label.textContent = panel.voxels ? panel.name + this.describe(panel) : `${panel.name}: not in this frame`;
    }
    this.draw();
  }

  trace(panel, ray) {
    const { dense } = panel.voxels;
    const isSolid = (index) => dense[index] !== 255 && !this.hidden.has(dense[index]);
    return firstVoxel(ray, this.content.grid, panel.boxes.lower, panel.boxes.size, isSolid);
  }

  describe({ hit, voxels }) {
    if (!hit || (hit.index < 0 && this.ofEye)) return '';
    if (hit.index < 0) return ': nothing hit';
    const { origin, direction } = this.ray;
    const place = origin.map((value, axis) => (value + hit.t * direction[axis]).toFixed(1)).join(', ');
    return `: ${this.content.classes[voxels.dense[hit.index]]} at ${this.ofEye ? `(${place})` : hit.t.toFixed(1)} m`;
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.render();
  }

  /** Draw soon, once for all changes until then. */
  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.render();
    });
  }

  render() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    const shown = this.panels.filter((panel) => panel.shown);
    const { columns, rows } = panelLayout(shown.length, width, height);
    const [w, h] = [width / columns, height / rows];
    this.panelSize = [w, h];
    this.camera.aspect = w / h;
    this.camera.fov = fieldOfView(w / h);
    this.camera.updateProjectionMatrix();
    for (const panel of this.panels) panel.label.hidden = !panel.shown;
    shown.forEach((panel, i) => {
      const [left, top] = [(i % columns) * w, Math.floor(i / columns) * h];
      panel.label.style.left = `${left}px`;
      panel.label.style.top = `${top}px`;
      panel.label.style.maxWidth = `calc(${w}px - 1rem)`;
      const box = [left, height - top - h, w - (columns > 1 ? 1 : 0), h - (rows > 1 ? 1 : 0)];
      this.renderer.setViewport(...box);
      this.renderer.setScissor(...box);
      panel.boxes.group.visible = true;
      panel.beam.group.visible = Boolean(panel.hit) && !this.ofEye;
      this.renderer.render(this.scene, this.camera);
      panel.boxes.group.visible = panel.beam.group.visible = false;
    });
  }
}
