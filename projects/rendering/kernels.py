"""numba kernels of sample positions and first hits; imported on first use only.

Every kernel is serial, releases the GIL and works on rays ``first`` to ``last``, see ``run_over_range``.
Names: ``index, base, frac`` are the fields of ``RaySamples``; ``shape`` is (X, Y, Z). The pure torch code of
``sampling.py`` and ``traversal.py`` says the same and is what these are tested against.
"""
# numba infers the types of the arguments, so they are not annotated:
# ruff: noqa: ANN001, ANN201
# mypy: disable-error-code=no-untyped-def

import math

import numpy as np

from .kernel_math import jit


@jit
def count_inside(first, last, mids, near, far, counts):
    """Write the number of samples of ray ``n`` inside the box to ``counts[n + 1]``."""
    per_ray = mids.shape[0] > 1
    for ray in range(first, last):
        row = ray if per_ray else 0
        total = 0
        for s in range(mids.shape[1]):
            total += near[ray] <= mids[row, s] < far[ray]
        counts[ray + 1] = total


@jit
def locate_inside(
    first, last, mids, near, far, origins, directions, scale, shift, shape, rays_per_batch, offsets, index, base, frac
):
    """Fill index, base and frac of the samples inside the box."""
    per_ray = mids.shape[0] > 1
    num_samples = mids.shape[1]
    for ray in range(first, last):
        row = ray if per_ray else 0
        m = offsets[ray]
        for s in range(num_samples):
            t = mids[row, s]
            if not near[ray] <= t < far[ray]:
                continue
            rows = ray // rays_per_batch
            for axis in range(3):
                coord = (origins[ray, axis] + t * directions[ray, axis]) * scale[axis] + shift[axis]
                coord = min(max(coord, 0.0), shape[axis] - 1.0)
                cell = min(int(coord), max(shape[axis] - 2, 0))
                frac[m, axis] = coord - cell
                rows = rows * shape[axis] + cell
            index[m] = ray * num_samples + s
            base[m] = rows
            m += 1


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
