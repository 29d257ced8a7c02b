"""numba twin of ``PillarEncoder`` without gradients and with fixed statistics. Imported on first use only.

The kernels are serial and release the GIL. Shape letters: P points of a cloud, F values per point, C channels, V cells.
"""
# numba infers the types of the arguments, so the kernels are not annotated:
# ruff: noqa: ANN001, ANN202

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from projects.compute.kernels import kernel
from projects.compute.prefetch import prefetch

_BLOCK = 64  # points that go through the layer at a time


# No other fast-math: a reciprocal in place of the quotient would move points over the border of a cell.
@kernel(error_model='numpy')
def _cell(value, lower, size):
    return np.floor((value - lower) / size)


@kernel(error_model='numpy')
def _sum_points(points, lower, size, shape, first_key, keys, sums):
    """Write the cell of each point (-1 outside) and add x, y, z and 1 to the sums of its cell."""
    for p in range(points.shape[0]):
        keys[p] = -1
        x, y, z = points[p, 0], points[p, 1], points[p, 2]
        i, j, k = _cell(x, lower[0], size[0]), _cell(y, lower[1], size[1]), _cell(z, lower[2], size[2])
        if 0 <= i < shape[0] and 0 <= j < shape[1] and 0 <= k < shape[2]:
            key = first_key + (np.int64(j) * shape[0] + np.int64(i)) * shape[2] + np.int64(k)
            keys[p] = key
            total = sums[key]
            total[0] += x
            total[1] += y
            total[2] += z
            total[3] += 1


@kernel(error_model='numpy', fastmath={'contract'})
def _embed_points(points, keys, lower, size, intensity_scale, sums, weight, shift, canvas):
    """Decorate each point, apply the linear layer, and keep the maximum of each cell in the canvas.

    Points are taken in blocks, with their values in rows: so the layer is vectorised over points, however few
    channels there are.
    """
    num_values, half = weight.shape[1] - 6, points.dtype.type(0.5)
    values = np.zeros((weight.shape[1], _BLOCK), points.dtype)
    hidden = np.empty((weight.shape[0], _BLOCK), points.dtype)
    for first in range(0, points.shape[0], _BLOCK):
        count = min(_BLOCK, points.shape[0] - first)
        for b in range(count):
            prefetch(canvas, keys[first + b], 0)
        for b in range(count):
            for f in range(num_values):
                values[f, b] = points[first + b, f]
            total = sums[max(keys[first + b], 0)]
            for axis in range(3):
                values[num_values + axis, b] = total[axis] / total[3]
        for axis in range(3):
            for b in range(_BLOCK):
                value = values[axis, b]
                centre = lower[axis] + (_cell(value, lower[axis], size[axis]) + half) * size[axis]
                values[num_values + axis, b] = value - values[num_values + axis, b]
                values[num_values + 3 + axis, b] = value - centre
        for b in range(_BLOCK):
            values[3, b] /= intensity_scale
        for c in range(hidden.shape[0]):
            for b in range(_BLOCK):
                hidden[c, b] = shift[c]
            for f in range(values.shape[0]):
                for b in range(_BLOCK):
                    hidden[c, b] += weight[c, f] * values[f, b]
        for b in range(count):
            if keys[first + b] >= 0:
                best = canvas[keys[first + b]]
                for c in range(hidden.shape[0]):
                    best[c] = max(best[c], hidden[c, b])


def encode_pillars_with_numba(
    points: Sequence[Tensor],
    lower: Tensor,
    size: Tensor,
    grid_shape: Sequence[int],
    intensity_scale: float,
    weight: Tensor,
    shift: Tensor,
) -> Tensor:
    """Features of all cells of a batch of clouds.

    Args:
        points (Sequence[Tensor]): One cloud per sample. Shape (P, >= F), float32.
        lower (Tensor): Corner of the grid in metres. Shape (3,).
        size (Tensor): Size of a cell in metres. Shape (3,).
        grid_shape (Sequence[int]): Cells along x, y and z.
        intensity_scale (float): The fourth value of a point is divided by this.
        weight (Tensor): Of the linear layer and the normalisation. Shape (C, F + 6).
        shift (Tensor): Of the normalisation. Shape (C,).

    Returns:
        Tensor: For each sample the cells in the order (y, x, z). Shape (B * V, C), float32, 0 where no point lies.
    """
    num_cells = math.prod(grid_shape)
    geometry = (lower.numpy(), size.numpy())
    layer = (weight.contiguous().numpy(), shift.numpy())
    sums = torch.zeros(len(points) * num_cells, 4).numpy()
    canvas = torch.zeros(len(points) * num_cells, len(weight))
    for i, cloud in enumerate(points):
        rows = cloud.detach().contiguous().numpy()
        keys = np.empty(len(rows), np.int64)
        _sum_points(rows, *geometry, tuple(grid_shape), i * num_cells, keys, sums)
        _embed_points(rows, keys, *geometry, np.float32(intensity_scale), sums, *layer, canvas.numpy())
    return canvas
