"""numba kernels that cut rays at the faces of voxels; imported on first use only.

Every kernel is serial, releases the GIL and works on rays ``first`` to ``last``, see ``backend.run_over_rays``.
``cutting.cut_rays_with_torch`` says the same and is what these are tested against.
"""
# numba infers the types of the arguments, so they are not annotated:
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code=no-untyped-def

import math

import numpy as np

from .kernel_math import jit


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
def walk_voxels(
    first, last, origins, directions, enter, leave, lower, size, shape, rays_per_batch, offsets, base, span
):
    """Cut rays at the faces of voxels (Amanatides and Woo): fill base and span.

    Faces left to cross are counted per axis as in ``count_pieces``, so rounding cannot leave the grid; a piece may
    have no length.
    """
    strides = (shape[1] * shape[2], shape[2], 1)
    left, step = np.empty(3, np.int64), np.empty(3, np.int64)
    next_t, delta_t = np.empty(3, np.float64), np.empty(3, np.float64)
    for ray in range(first, last):
        t = enter[ray]
        if not t < leave[ray]:
            continue
        voxel = ray // rays_per_batch * shape[0] * strides[0]
        for axis in range(3):
            o, d = float(origins[ray, axis]) - lower[axis], float(directions[ray, axis])
            start = _cell((o + t * d) / size[axis], shape[axis])
            left[axis] = abs(_cell((o + leave[ray] * d) / size[axis], shape[axis]) - start)
            voxel += start * strides[axis]
            step[axis] = strides[axis] if d > 0 else -strides[axis]
            next_t[axis] = np.inf
            delta_t[axis] = np.inf
            if left[axis] > 0:
                next_t[axis] = ((start + (1 if d > 0 else 0)) * size[axis] - o) / d
                delta_t[axis] = size[axis] / abs(d)
        for m in range(offsets[ray], offsets[ray + 1]):
            axis = 0
            if next_t[1] < next_t[axis]:
                axis = 1
            if next_t[2] < next_t[axis]:
                axis = 2
            stop = max(t, min(next_t[axis], leave[ray]))
            base[m] = voxel
            span[m, 0] = t
            span[m, 1] = stop
            t = stop
            voxel += step[axis]
            left[axis] -= 1
            next_t[axis] = next_t[axis] + delta_t[axis] if left[axis] > 0 else np.inf
