"""numba kernels that walk from voxel to voxel, to cut rays at faces and to find first hits; imported on first use only.

Every kernel is serial, releases the GIL and works on rays ``first`` to ``last``, see ``run_over_range``.
``torch.cut_with_torch`` and ``traversal.py`` say the same and are what these are tested against.
"""
# numba infers the types of the arguments, so they are not annotated:
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code=no-untyped-def

import math

import numpy as np

from projects.rendering.common.numba_math import jit


@jit
def _cell(position, count):
    return min(max(math.floor(position), 0), count - 1)


@jit
def count_pieces(first, last, origins, directions, enter, leave, lower, size, shape, offsets):
    """Write the number of voxels that ray ``n`` passes from ``enter`` to ``leave`` to ``offsets[n + 1]``."""
    for ray in range(first, last):
        count = 0
        if enter[ray] < leave[ray]:
            count = 1
            for axis in range(3):
                o, d = float(origins[ray, axis]) - lower[axis], float(directions[ray, axis])
                start = _cell((o + enter[ray] * d) / size[axis], shape[axis])
                count += abs(_cell((o + leave[ray] * d) / size[axis], shape[axis]) - start)
        offsets[ray + 1] = count


@jit
def _first_face(o, d, enter, leave, size, count, stride):
    """First voxel along an axis, faces to cross, step in the table, parameter of the first face and between faces."""
    start = _cell((o + enter * d) / size, count)
    left = abs(_cell((o + leave * d) / size, count) - start)
    if left == 0:
        return start, left, 0, np.inf, np.inf
    if d > 0:
        return start, left, stride, ((start + 1) * size - o) / d, size / d
    return start, left, -stride, (start * size - o) / d, -size / d


@jit
def walk_voxels(
    first, last, origins, directions, enter, leave, lower, size, shape, rays_per_batch, offsets, base, span
):
    """Cut rays at the faces of voxels (Amanatides and Woo): fill base and span.

    Faces left to cross are counted per axis as in ``count_pieces``, so rounding cannot leave the grid; a piece may
    have no length. The three axes are written out: in registers they take less than half of the time of arrays.
    """
    for ray in range(first, last):
        t, end = enter[ray], leave[ray]
        if not t < end:
            continue
        o, d = origins[ray], directions[ray]
        x, left_x, step_x, next_x, delta_x = _first_face(
            o[0] - lower[0], float(d[0]), t, end, size[0], shape[0], shape[1] * shape[2]
        )
        y, left_y, step_y, next_y, delta_y = _first_face(
            o[1] - lower[1], float(d[1]), t, end, size[1], shape[1], shape[2]
        )
        z, left_z, step_z, next_z, delta_z = _first_face(o[2] - lower[2], float(d[2]), t, end, size[2], shape[2], 1)
        voxel = ((ray // rays_per_batch * shape[0] + x) * shape[1] + y) * shape[2] + z
        for m in range(offsets[ray], offsets[ray + 1]):
            nearest = min(next_x, next_y)
            stop = max(t, min(nearest, next_z, end))
            base[m] = voxel
            span[m, 0] = t
            span[m, 1] = stop
            t = stop
            if next_z < nearest:
                voxel += step_z
                left_z -= 1
                next_z = next_z + delta_z if left_z > 0 else np.inf
            elif next_y < next_x:
                voxel += step_y
                left_y -= 1
                next_y = next_y + delta_y if left_y > 0 else np.inf
            else:
                voxel += step_x
                left_x -= 1
                next_x = next_x + delta_x if left_x > 0 else np.inf


@jit
def first_hits(first, last, occupied, origins, directions, lower, size, t_min, t_max, cells, t_entry, t_exit):
    """Amanatides-Woo traversal of rays to the first occupied voxel; fills cells (N, 3), t_entry and t_exit (N,)."""
    position = np.empty(3, np.float64)
    step = np.empty(3, np.int64)
    next_t = np.empty(3, np.float64)
    delta_t = np.empty(3, np.float64)
    cell = np.empty(3, np.int64)
    for ray in range(first, last):
        enter, leave = float(t_min), float(t_max)
        for axis in range(3):
            o, d = origins[ray, axis], directions[ray, axis]
            high = lower[axis] + size[axis] * occupied.shape[axis]
            if d == 0:
                if o < lower[axis] or o >= high:
                    leave = -np.inf
            else:
                a, b = (lower[axis] - o) / d, (high - o) / d
                enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
        if not enter < leave:
            continue
        for axis in range(3):
            o, d = origins[ray, axis], directions[ray, axis]
            position[axis] = (o + enter * d - lower[axis]) / size[axis]
            cell[axis] = min(max(math.floor(position[axis]), 0), occupied.shape[axis] - 1)
            step[axis] = 1 if d > 0 else -1
            next_t[axis] = np.inf
            delta_t[axis] = np.inf
            if d != 0:
                face = cell[axis] + (1 if d > 0 else 0)
                next_t[axis] = (lower[axis] + face * size[axis] - o) / d
                delta_t[axis] = size[axis] / abs(d)
        t = enter
        while t < leave:
            axis = 0
            if next_t[1] < next_t[axis]:
                axis = 1
            if next_t[2] < next_t[axis]:
                axis = 2
            if occupied[cell[0], cell[1], cell[2]] and next_t[axis] > t:
                cells[ray, 0], cells[ray, 1], cells[ray, 2] = cell[0], cell[1], cell[2]
                t_entry[ray] = t
                t_exit[ray] = min(next_t[axis], leave)
                break
            t = max(t, next_t[axis])
            cell[axis] += step[axis]
            next_t[axis] += delta_t[axis]
            if cell[axis] < 0 or cell[axis] >= occupied.shape[axis]:
                break
