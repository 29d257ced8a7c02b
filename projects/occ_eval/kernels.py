# mypy: disable-error-code=no-untyped-def
# ruff: noqa: ANN001, ANN201, ANN202, D417 - the types of numba functions are in their docstrings, several to a line.
"""Serial numba kernels of the metrics. They release the GIL. X/Y/Z voxels, R rays, T origins."""

import math

import numpy as np

from projects.compute.kernels import kernel

_WORD_OF_ONES = np.uint64(0x0101010101010101)

#: Faces that a ray of RayIoU crosses at the most, as published.
_MOST_STEPS = 1000


@kernel()
def count_pairs(pred, target, mask, use_mask, unlabelled, hist):
    """Add one to ``hist[target, pred]`` for each element; bytes are read eight at a time.

    Masks and free space come in runs: words outside the mask are skipped, and words of one class in each array are
    counted at once. Ids that are out of range are counted in the last row and column.

    Args:
        pred, target, mask (np.ndarray): Shape (N,), uint8; the mask holds 0 and 1.
        use_mask (bool): Whether the mask counts.
        unlabelled (int): Id in ``target`` of elements that do not count; -1 for none.
        hist (np.ndarray): Shape (C + 1, C + 1), int64.
    """
    highest = len(hist) - 1
    words = len(pred) // 8
    pred_words = pred[: 8 * words].view(np.uint64)
    target_words = target[: 8 * words].view(np.uint64)
    mask_words = mask[: 8 * words].view(np.uint64)
    byte, eight = np.uint64(255), np.uint64(8)
    for w in range(words):
        m = mask_words[w] if use_mask else _WORD_OF_ONES
        if m == 0:
            continue
        p, t = pred_words[w], target_words[w]
        if p == (p & byte) * _WORD_OF_ONES and t == (t & byte) * _WORD_OF_ONES:
            if np.int64(t & byte) != unlabelled:
                marked = np.int64((m * _WORD_OF_ONES) >> np.uint64(56))  # the sum of the eight bytes
                hist[min(np.int64(t & byte), highest), min(np.int64(p & byte), highest)] += marked
            continue
        for _ in range(8):
            label = np.int64(t & byte)
            counts = np.int64(m & np.uint64(1)) * (label != unlabelled)
            hist[min(label, highest), min(np.int64(p & byte), highest)] += counts
            m, p, t = m >> eight, p >> eight, t >> eight
    for i in range(8 * words, len(pred)):
        if (not use_mask or mask[i]) and np.int64(target[i]) != unlabelled:
            hist[min(np.int64(target[i]), highest), min(np.int64(pred[i]), highest)] += 1


@kernel()
def mark_occupied(pred, target, free_class, occupied):
    """Write 1 for a voxel that the label occupies, plus 2 for one that the prediction occupies. All flat uint8."""
    for i in range(len(pred)):
        occupied[i] = np.uint8(target[i] != free_class) | np.uint8((pred[i] != free_class) << 1)


@kernel()
def _line(rays, ray, origins, origin, lower, voxel):
    """Start and unit direction of a ray in units of voxels; both end points are rounded to float32."""
    ox, oy, oz = origins[origin, 0], origins[origin, 1], origins[origin, 2]
    x = np.float64(np.float32((ox - lower[0]) / voxel))
    y = np.float64(np.float32((oy - lower[1]) / voxel))
    z = np.float64(np.float32((oz - lower[2]) / voxel))
    dx = np.float64(np.float32((rays[ray, 0] + ox - lower[0]) / voxel)) - x
    dy = np.float64(np.float32((rays[ray, 1] + oy - lower[1]) / voxel)) - y
    dz = np.float64(np.float32((rays[ray, 2] + oz - lower[2]) / voxel)) - z
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    return (x, y, z), (dx / length, dy / length, dz / length)


@kernel()
def _open_axis(start, direction):
    """Walk along one axis: first voxel, step (1 or -1), distance to the next face, and that between faces."""
    cell, step = int(start), (1 if direction >= 0 else -1)
    if direction == 0:
        return cell, step, np.inf, np.inf
    return cell, step, (cell + (step > 0) - start) / direction, step / direction


@kernel()
def _enter(axes, shape):
    """Walk to the first voxel of the grid: the voxel, distances to its far faces, and steps (more than the most)."""
    (x, step_x, next_x, delta_x), (y, step_y, next_y, delta_y), (z, step_z, next_z, delta_z) = axes
    nx, ny, nz = shape
    steps = 0
    while steps <= _MOST_STEPS and not (0 <= x < nx and 0 <= y < ny and 0 <= z < nz):
        if next_x < next_y and next_x < next_z:
            x, next_x = x + step_x, next_x + delta_x
        elif next_y <= next_x and next_y < next_z:
            y, next_y = y + step_y, next_y + delta_y
        else:
            z, next_z = z + step_z, next_z + delta_z
        steps += 1
    return (x, y, z), (next_x, next_y, next_z), steps


@kernel()
def _first_classes(cell, nexts, axes, steps, shape, occupied, pred, target, free_class):
    """Class and distance of what a ray meets first in the label, then in the prediction; free and 0 for nothing."""
    (_, step_x, _, delta_x), (_, step_y, _, delta_y), (_, step_z, _, delta_z) = axes
    (x, y, z), (next_x, next_y, next_z), (nx, ny, nz) = cell, nexts, shape
    target_class, target_t, pred_class, pred_t = int(free_class), 0.0, int(free_class), 0.0
    index, inside, wanted = (x * ny + y) * nz + z, True, 3
    while inside and steps <= _MOST_STEPS:
        here = occupied[index] & wanted
        at = index
        if next_x < next_y and next_x < next_z:
            t = next_x
            x, next_x, index = x + step_x, next_x + delta_x, index + step_x * ny * nz
            inside = 0 <= x < nx
        elif next_y <= next_x and next_y < next_z:
            t = next_y
            y, next_y, index = y + step_y, next_y + delta_y, index + step_y * nz
            inside = 0 <= y < ny
        else:
            t = next_z
            z, next_z, index = z + step_z, next_z + delta_z, index + step_z
            inside = 0 <= z < nz
        if here:
            if here & 1:
                target_class, target_t = int(target[at]), t
            if here & 2:
                pred_class, pred_t = int(pred[at]), t
            wanted &= ~here
            if wanted == 0:
                break
        steps += 1
    return target_class, target_t, pred_class, pred_t


@kernel()
def count_rays(
    first, last, rays, origins, lower, voxel, metres, shape, occupied, pred, target,
    free_class, unlabelled, thresholds, hits, in_target, in_pred,
):  # fmt: skip
    """Walk rays ``first`` to ``last`` of the T x R through label and prediction at once and count their classes.

    The arithmetic is that of SparseOcc's ``dvr`` in its test mode: end points in float32, traversal of Amanatides and
    Woo in float64 and units of voxels, the distance at which a ray leaves its first occupied voxel, distances in metres
    in float32. A ray that never enters the grid reports voxel (0, 0, 0) and distance -1.

    Args:
        rays (np.ndarray): Directions. Shape (R, 3), float32.
        origins (np.ndarray): In metres. Shape (T, 3), float64.
        lower (np.ndarray): Corner of the grid in metres. Shape (3,), float64.
        voxel (float): Voxel edge in metres by which coordinates are divided.
        metres (np.float32): The same, by which distances are multiplied.
        shape (tuple[int, int, int]): X, Y, Z.
        occupied, pred, target (np.ndarray): From :func:`mark_occupied`; class ids. Shape (X * Y * Z,), uint8.
        free_class (int): Id of free.
        unlabelled (int): Id of label voxels without a class; a ray that hits one in the label does not count.
        thresholds (np.ndarray): In metres. Shape (K,), float32.
        hits (np.ndarray): Rays with the right class within each threshold, by class. Shape (K, 256), int64.
        in_target, in_pred (np.ndarray): Rays by class of the label and of the prediction. Shape (256,), int64.
    """
    for r in range(first, last):
        o = r // len(rays)
        start, direction = _line(rays, r - o * len(rays), origins, o, lower, voxel)
        axes = (
            _open_axis(start[0], direction[0]),
            _open_axis(start[1], direction[1]),
            _open_axis(start[2], direction[2]),
        )
        cell, nexts, steps = _enter(axes, shape)
        target_class, target_t, pred_class, pred_t = int(target[0]), -1.0, int(pred[0]), -1.0
        if steps <= _MOST_STEPS:
            target_class, target_t, pred_class, pred_t = _first_classes(
                cell, nexts, axes, steps, shape, occupied, pred, target, free_class
            )
        if target_class in (free_class, unlabelled):
            continue
        in_target[target_class] += 1
        in_pred[pred_class] += 1
        if target_class == pred_class:
            error = abs(np.float32(pred_t) * metres - np.float32(target_t) * metres)
            for k in range(len(thresholds)):
                if error < thresholds[k]:
                    hits[k, target_class] += 1


@kernel()
def count_near(source, goal, offsets, tables, threshold):
    """Count occupied voxels of ``source`` that have an occupied voxel of ``goal`` near them.

    Args:
        source, goal (np.ndarray): Shape (X, Y, Z), bool.
        offsets (np.ndarray): Neighbours to try, in voxels, nearest first. Shape (K, 3), int64.
        tables (tuple): Coordinates of the voxel centres along x, y and z, in metres, float64.
        threshold (float): Distance of two centres in metres that is too far; infinite for every offset to count.

    Returns:
        tuple[int, int]: Near voxels, and all occupied voxels of ``source``.
    """
    nx, ny, nz = source.shape
    xs, ys, zs = tables
    near, total = 0, 0
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                if not source[i, j, k]:
                    continue
                total += 1
                for n in range(len(offsets)):
                    a, b, c = i + offsets[n, 0], j + offsets[n, 1], k + offsets[n, 2]
                    if not (0 <= a < nx and 0 <= b < ny and 0 <= c < nz and goal[a, b, c]):
                        continue
                    dx, dy, dz = xs[i] - xs[a], ys[j] - ys[b], zs[k] - zs[c]
                    if math.sqrt(dx * dx + dy * dy + dz * dz) < threshold:
                        near += 1
                        break
    return near, total
