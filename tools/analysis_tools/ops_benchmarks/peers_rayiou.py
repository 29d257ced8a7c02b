"""RayIoU as published: SparseOcc's caster ``dvr`` in test mode and ``calc_rayiou``, transcribed for the CPU."""

import math

import numba
import numpy as np

_MAX_CELLS, _MAX_STEPS = 1446, 1000


@numba.njit(cache=True)
def _open_axis(start, direction):
    """First voxel, step (1 or -1), distance to the next face, and that between faces, along one axis."""
    cell, step = int(start), (1 if direction >= 0 else -1)
    if direction == 0:
        return cell, step, np.inf, np.inf
    return cell, step, (cell + (0 if step < 0 else 1) - start) / direction, step / direction


@numba.njit(cache=True)
def _walk(sigma, start, end, path, csd, p, d):
    """Write what the kernel computes in each voxel of a ray into ``path, csd, p, d``; returns their number."""
    nz, ny, nx = sigma.shape
    rx, ry, rz = end[0] - start[0], end[1] - start[1], end[2] - start[2]
    length = math.sqrt(rx * rx + ry * ry + rz * rz)
    vx, step_x, tx, delta_x = _open_axis(start[0], rx / length)
    vy, step_y, ty, delta_y = _open_axis(start[1], ry / length)
    vz, step_z, tz, delta_z = _open_axis(start[2], rz / length)
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
    return count


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
    cells, distances = np.zeros((len(ends), 3), np.int64), np.full(len(ends), -1.0, np.float32)
    path = np.zeros((_MAX_CELLS, 3), np.int32)
    csd, p, d = np.zeros(_MAX_CELLS), np.zeros(_MAX_CELLS), np.zeros(_MAX_CELLS)
    for r in range(len(ends)):
        count = _walk(sigma, start, ends[r], path, csd, p, d)
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
