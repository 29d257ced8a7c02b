'use strict';

// Rays of pixels and the voxels that they meet; a pure part without a picture. Vectors are [x, y, z] in metres.

/** Ray of a pixel (column u, row v; integers are pixel centres). The direction has depth 1 along the optical axis. */
function pixelRay(camera, u, v) {
  const [[fx, skew, cx], [, fy, cy]] = camera.cam2img;
  const y = (v - cy) / fy;
  const inCamera = [(u - cx - skew * y) / fx, y, 1];
  const rows = camera.cam2ego.slice(0, 3);
  const direction = rows.map((row) => row[0] * inCamera[0] + row[1] * inCamera[1] + row[2] * inCamera[2]);
  return { origin: rows.map((row) => row[3]), direction };
}

/** Where a ray is inside a box: [t of its entry, t of its exit]; the exit is smaller where it misses the box. */
function insideBox(ray, lower, upper) {
  let [enter, leave] = [0, Infinity];
  for (let axis = 0; axis < 3; axis++) {
    const ends = [lower, upper].map((limit) => (limit[axis] - ray.origin[axis]) / ray.direction[axis]);
    if (ray.direction[axis] === 0) {
      if (ray.origin[axis] < lower[axis] || ray.origin[axis] > upper[axis]) leave = -1;
      continue;
    }
    enter = Math.max(enter, Math.min(...ends));
    leave = Math.min(leave, Math.max(...ends));
  }
  return [enter, leave];
}

/**
 * First voxel that a ray meets, from wall to wall (Amanatides and Woo, 1987).
 * isSolid(flat index) tells what stops it. Returns {index, t}, or {index: -1, t} with t at the end of the grid.
 */
function firstVoxel(ray, grid, lower, voxel, isSolid) {
  const upper = lower.map((value, axis) => value + grid[axis] * voxel[axis]);
  const [enter, leave] = insideBox(ray, lower, upper);
  if (leave < enter) return { index: -1, t: 0 };
  let t = enter;
  const { origin, direction } = ray;
  const place = grid.map((size, axis) => {
    const cell = Math.floor((origin[axis] + t * direction[axis] - lower[axis]) / voxel[axis]);
    return Math.min(Math.max(cell, 0), size - 1);
  });
  const step = direction.map(Math.sign);
  const next = place.map((cell, axis) => (step[axis] === 0 ? Infinity
    : (lower[axis] + (cell + (step[axis] > 0 ? 1 : 0)) * voxel[axis] - origin[axis]) / direction[axis]));
  for (;;) {
    const index = (place[0] * grid[1] + place[1]) * grid[2] + place[2];
    if (isSolid(index)) return { index, t };
    const axis = next.indexOf(Math.min(...next));
    t = next[axis];
    place[axis] += step[axis];
    if (place[axis] < 0 || place[axis] >= grid[axis]) return { index: -1, t };
    next[axis] += voxel[axis] / Math.abs(direction[axis]);
  }
}
