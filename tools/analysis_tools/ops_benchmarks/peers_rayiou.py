"""RayIoU as published: SparseOcc's caster ``dvr`` in test mode and ``calc_rayiou``, transcribed for the CPU."""

import math

import numba
import numpy as np

_MAX_CELLS, _MAX_STEPS = 1446, 1000


@numba.njit(cache=True)
def trace_as_published(sigma, start, ends):
    """First occupied voxel of every ray, with all that the kernel computes on the way (its densities are not used).

    Args:
        sigma (np.ndarray): 1 where occupied. Shape (Z, Y, X), float32.
        start (np.ndarray): Origin in units of voxels. Shape (3,), float64.
        ends (np.ndarray): End points. Shape (R, 3), float64.

    Returns:
        tuple[np.ndarray, np.ndarray]: Voxels (x, y, z), int64, and distances in units of voxels, float32.
    """
    nz, ny, nx = sigma.shape
    cells, distances = np.zeros((len(ends), 3), np.int64), np.full(len(ends), -1.0, np.float32)
    path = np.zeros((_MAX_CELLS, 3), np.int32)
    csd, p, d = np.zeros(_MAX_CELLS), np.zeros(_MAX_CELLS), np.zeros(_MAX_CELLS)
    for r in range(len(ends)):
        rx, ry, rz = ends[r, 0] - start[0], ends[r, 1] - start[1], ends[r, 2] - start[2]
        length = math.sqrt(rx * rx + ry * ry + rz * rz)
        dx, dy, dz = rx / length, ry / length, rz / length
        vx, vy, vz = int(start[0]), int(start[1]), int(start[2])
        step_x, step_y, step_z = (1 if dx >= 0 else -1), (1 if dy >= 0 else -1), (1 if dz >= 0 else -1)
        tx = (vx + (0 if step_x < 0 else 1) - start[0]) / dx if dx != 0 else np.inf
        ty = (vy + (0 if step_y < 0 else 1) - start[1]) / dy if dy != 0 else np.inf
        tz = (vz + (0 if step_z < 0 else 1) - start[2]) / dz if dz != 0 else np.inf
        delta_x = step_x / dx if dx != 0 else np.inf
        delta_y = step_y / dy if dy != 0 else np.inf
        delta_z = step_z / dz if dz != 0 else np.inf
        step, count, last_d, was_inside = 0, 0, 0.0, False
        while True:
            inside = 0 <= vx < nx and 0 <= vy < ny and 0 <= vz < nz
            if inside:
                was_inside = True
                path[count, 0], path[count, 1], path[count, 2] = vx, vy, vz
            elif was_inside:
                break
            if tx < ty:
                if tx < tz:
                    now, vx, tx = tx, vx + step_x, tx + delta_x
                else:
                    now, vz, tz = tz, vz + step_z, tz + delta_z
            elif ty < tz:
                now, vy, ty = ty, vy + step_y, ty + delta_y
            else:
                now, vz, tz = tz, vz + step_z, tz + delta_z
            if inside:
                sd = sigma[path[count, 2], path[count, 1], path[count, 0]] * max(0.0, now - last_d)
                if count == 0:
                    csd[count] = sd
                    p[count] = 1 - math.exp(-sd)
                else:
                    csd[count] = csd[count - 1] + sd
                    p[count] = math.exp(-csd[count - 1]) - math.exp(-csd[count])
                d[count] = now
                count += 1
            last_d = now
            step += 1
            if step > _MAX_STEPS:
                break
        if count == 0:
            continue
        found = count - 1
        for i in range(count):
            if sigma[path[i, 2], path[i, 1], path[i, 0]] > 0.5:
                found = i
                break
        distances[r] = d[found]
        cells[r, 0], cells[r, 1], cells[r, 2] = path[found, 0], path[found, 1], path[found, 2]
    return cells, distances


def count_as_published(pred_label: np.ndarray, pred_dist: np.ndarray, label: np.ndarray, dist: np.ndarray):
    """``calc_rayiou``: a pass over all rays for each threshold and class. Shape (5, 17) as of ``ray_counts``."""
    hits, in_label, in_pred = np.zeros((3, 18)), np.zeros(18), np.zeros(18)
    for j, threshold in enumerate((1, 2, 4)):
        near = np.abs(pred_dist - dist) < threshold
        for c in range(18):
            mask_pred, mask_label = pred_label == c, label == c
            counts = mask_label.sum(), mask_pred.sum()
            if j == 0:
                in_label[c] += counts[0]
                in_pred[c] += counts[1]
            hits[j, c] += np.logical_and(mask_label & mask_pred, near).sum()
    return np.concatenate([hits, in_label[None], in_pred[None]])[:, :17].astype(np.int64)
