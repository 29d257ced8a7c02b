"""numba twin of the gradient of the depth. Imported on first use only.

The two other sums of pooling stay with ``embedding_bag``, whose vectorised kernel is faster than a numba one.
"""
# numba infers the types of the arguments, so the kernel is not annotated:
# ruff: noqa: ANN001, ANN202

import itertools
from collections.abc import Callable

import numba
import numpy as np
import torch
from torch import Tensor

from projects.rendering.backend import run_in_threads

from .index import VoxelPoolIndex


@numba.njit(nogil=True, cache=True, fastmath={'contract', 'nsz', 'arcp', 'reassoc'})
def _dot_segments(first, last, feats, grad_rows, rows, depths, offsets, grad_depth):
    """Write the dot products of the points of pixels ``first`` to ``last``; serial, releases the GIL."""
    zero = feats.dtype.type(0)
    for pixel in range(first, last):
        feat = feats[pixel]
        for m in range(offsets[pixel], offsets[pixel + 1]):
            grad = grad_rows[rows[m]]
            total = zero
            for c in range(feat.shape[0]):
                total += feat[c] * grad[c]
            grad_depth[depths[m]] = total


def depth_gradient(feats: Tensor, grad_rows: Tensor, index: VoxelPoolIndex, grad_depth: Tensor) -> None:
    """Write the gradient of every point inside the grid.

    Args:
        feats (Tensor): Features, contiguous. Shape (P, C).
        grad_rows (Tensor): Gradients of the hit voxels, contiguous. Shape (V, C).
        index (VoxelPoolIndex): The ranking.
        grad_depth (Tensor): Flat gradient; places of points outside the grid are left as they are.
    """
    sources = (feats, grad_rows, index.rows_by_pixel, index.depths_by_pixel, index.pixel_offsets, grad_depth)
    arrays = [tensor.detach().numpy() for tensor in sources]
    # Parts of the pixels that hold about as many points each, written by threads: no two write to the same place.
    parts = 2 * torch.get_num_threads() if torch.get_num_threads() > 1 else 1
    offsets, num_points = arrays[4], len(arrays[2])
    inner = np.searchsorted(offsets[:-1], [num_points * part // parts for part in range(1, parts)])
    edges = [0, *inner.tolist(), len(feats)]

    def task(first: int, last: int) -> Callable[[], None]:
        return lambda: _dot_segments(first, last, *arrays)

    run_in_threads([task(first, last) for first, last in itertools.pairwise(edges) if last > first])
