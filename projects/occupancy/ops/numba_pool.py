"""numba twin of the gradients of pooling. Imported on first use only.

The forward sum stays with ``embedding_bag``, whose vectorised kernel is faster than a numba one.
"""
# numba infers the types of the arguments, so the kernel is not annotated:
# ruff: noqa: ANN001, ANN202

import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from projects.compute.kernels import kernel
from projects.compute.prefetch import LINE, prefetch
from projects.compute.threads import run_in_threads

from .index import VoxelPoolIndex

_AHEAD = 16  # points between a prefetch and its use


@kernel(fastmath={'contract', 'nsz', 'arcp', 'reassoc'})
def _pull_gradients(first, last, depth, feats, grad_rows, rows, depths, offsets, grad_depth, grad_feats):
    """Write the gradients of pixels ``first`` to ``last`` and of their points; serial, releases the GIL.

    Four points at a time: the feature and the running sum are then loaded once for all four, and four dot products
    are under way at once.
    """
    zero = feats.dtype.type(0)
    channels = feats.shape[1]
    final = offsets[last] - _AHEAD - 4
    for pixel in range(first, last):
        feat, total = feats[pixel], grad_feats[pixel]
        total[:] = zero
        m, end = offsets[pixel], offsets[pixel + 1]
        while m + 4 <= end:
            if m < final:
                for k in range(_AHEAD, _AHEAD + 4):
                    for c in range(0, channels, LINE):
                        prefetch(grad_rows, rows[m + k], c)
            grad0, grad1, grad2, grad3 = (
                grad_rows[rows[m]],
                grad_rows[rows[m + 1]],
                grad_rows[rows[m + 2]],
                grad_rows[rows[m + 3]],
            )
            place0, place1, place2, place3 = depths[m], depths[m + 1], depths[m + 2], depths[m + 3]
            weight0, weight1, weight2, weight3 = depth[place0], depth[place1], depth[place2], depth[place3]
            dot0, dot1, dot2, dot3 = zero, zero, zero, zero
            for c in range(channels):
                value = feat[c]
                dot0 += value * grad0[c]
                dot1 += value * grad1[c]
                dot2 += value * grad2[c]
                dot3 += value * grad3[c]
                total[c] += weight0 * grad0[c] + weight1 * grad1[c] + weight2 * grad2[c] + weight3 * grad3[c]
            grad_depth[place0], grad_depth[place1], grad_depth[place2], grad_depth[place3] = dot0, dot1, dot2, dot3
            m += 4
        while m < end:
            grad0, place0, dot0 = grad_rows[rows[m]], depths[m], zero
            for c in range(channels):
                dot0 += feat[c] * grad0[c]
                total[c] += depth[place0] * grad0[c]
            grad_depth[place0] = dot0
            m += 1


def sum_gradients(depth: Tensor, feats: Tensor, grad_rows: Tensor, index: VoxelPoolIndex) -> tuple[Tensor, Tensor]:
    """Gradients of flat depth and features (P, C) from those of the rows of ``index.rows_by_pixel``, all contiguous."""
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
