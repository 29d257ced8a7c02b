"""numba kernels that cut rays at the faces of voxels; imported on first use only.

Every kernel is serial, releases the GIL and works on rays ``first`` to ``last``, see ``run_over_range``.
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
