"""numba twin of the gradients of pooling. Imported on first use only.

The forward sum stays with ``embedding_bag``, whose vectorised kernel is faster than a numba one.
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
def _pull_gradients(first, last, depth, feats, grad_rows, rows, depths, offsets, grad_depth, grad_feats):
    """Write the gradients of pixels ``first`` to ``last`` and of their points; serial, releases the GIL.

    Both at once and without conditions: a switch in the loop halves its speed.
    """
    zero = feats.dtype.type(0)
    channels = feats.shape[1]
    total = np.empty(channels, feats.dtype)
    for pixel in range(first, last):
        total[:] = zero
        feat = feats[pixel]
        for m in range(offsets[pixel], offsets[pixel + 1]):
            grad = grad_rows[rows[m]]
            place = depths[m]
            weight = depth[place]
            for c in range(channels):
                total[c] += weight * grad[c]
            dot = zero
            for c in range(channels):
                dot += feat[c] * grad[c]
            grad_depth[place] = dot
        grad_feats[pixel, :] = total


def sum_gradients(depth: Tensor, feats: Tensor, grad_rows: Tensor, index: VoxelPoolIndex) -> tuple[Tensor, Tensor]:
    """Gradients of flat depth and features (P, C) from those of the hit voxels (V, C), all contiguous."""
    grad_depth, grad_feats = torch.zeros_like(depth), torch.empty_like(feats)
    sources = (depth, feats, grad_rows, index.rows_by_pixel, index.depths_by_pixel, index.pixel_offsets)
    arrays = [tensor.detach().numpy() for tensor in (*sources, grad_depth, grad_feats)]
    # Parts of the pixels that hold about as many points each; no two threads write to the same place.
    parts, offsets = torch.get_num_threads(), index.pixel_offsets.numpy()
    inner = np.searchsorted(offsets[:-1], [int(offsets[-1]) * part // parts for part in range(1, parts)])
    edges = [0, *inner.tolist(), len(feats)]

    def task(first: int, last: int) -> Callable[[], None]:
        return lambda: _pull_gradients(first, last, *arrays)

    run_in_threads([task(first, last) for first, last in itertools.pairwise(edges) if last > first])
    return grad_depth, grad_feats
