"""Voxel pooling of camera features: sum of ``depth * feature`` over the frustum points of each voxel.

The work is split in two. :func:`voxel_pool_prepare` turns camera rays into a :class:`VoxelPoolIndex`, which holds
integers only and may be kept as long as the calibration stays the same. :func:`voxel_pool` is the differentiable sum.
Gradients reach depth and features, never the geometry.

Semantics: bev_pool_v2 of BEVDet (arXiv:2211.17111); the kernels are our own. PyTorch code runs on every device and is
the reference; numba kernels replace it on the CPU and Triton kernels on CUDA.

Shape letters: B batch, N cameras, H x W feature map, D depth bins, C channels, M frustum points inside the grid,
P = B * N * H * W pixels, V voxels that hold at least one point.
"""

import math
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from projects.compute.precision import full_precision
from projects.compute.tensors import is_fake, numba_usable, triton_usable

from .index import VoxelPoolIndex

# The sparse matrix below is used by nothing but one operator that has been there since PyTorch 2.0.
warnings.filterwarnings('ignore', message='Sparse CSR tensor support is in beta')

# Blocks above this size (the largest threshold of glibc) are mapped anew for every allocation.
_FRESH_BYTES = 32 * 2**20


def _segment_dot(queries: Tensor, table: Tensor, rows: Tensor, offsets: Tensor) -> Tensor:
    """Dot product of query p with ``table[rows[i]]`` for all i in segment p; shape (M,), without (M, C) temporaries."""
    if queries.device.type == 'cpu' and not is_fake(queries):
        return _segment_dot_at_places(queries, table, rows, offsets)
    return _segment_dot_of_bags(queries, table, rows, offsets)


def _segment_dot_at_places(queries: Tensor, table: Tensor, rows: Tensor, offsets: Tensor) -> Tensor:
    """By the product of two matrices at the places of a sparse one, which is vectorised on the CPU."""
    places = torch.sparse_csr_tensor(
        offsets, rows, queries.new_zeros(len(rows)), (len(queries), len(table)), check_invariants=False
    )
    return torch.sparse.sampled_addmm(places, queries, table.t(), beta=0.0).values()


def _segment_dot_of_bags(queries: Tensor, table: Tensor, rows: Tensor, offsets: Tensor) -> Tensor:
    """By a private operator of ``embedding_bag``. PyTorch may change it, hence the plain form."""
    segments = torch.repeat_interleave(offsets.diff().long(), output_size=rows.numel()).to(rows.dtype)
    try:
        return torch.ops.aten._embedding_bag_per_sample_weights_backward(queries, table, rows, offsets, segments, 0, -1)
    except (AttributeError, TypeError):
        return (queries.index_select(0, segments) * table.index_select(0, rows)).sum(1)


def _bag_sum(table: Tensor, rows: Tensor, weights: Tensor, offsets: Tensor) -> Tensor:
    """Sum of ``weights[i] * table[rows[i]]`` over every segment."""
    return F.embedding_bag(rows, table, offsets, mode='sum', per_sample_weights=weights, include_last_offset=True)


def _sum_voxels(depth: Tensor, feats: Tensor, index: VoxelPoolIndex, offsets: Tensor) -> Tensor:
    """Sums of the voxels whose points begin at ``offsets``, from flat depth and (P, C) features."""
    if triton_usable(depth, feats):
        from .triton_pool import sum_voxels

        return sum_voxels(depth, feats, index, offsets)
    return _bag_sum(feats, index.pixels, depth.index_select(0, index.depths), offsets)


def _sum_gradients(
    depth: Tensor, feats: Tensor, grad_rows: Tensor, index: VoxelPoolIndex, with_depth: bool, with_feats: bool
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of flat depth and (P, C) features from those of the rows that ``index.rows_by_pixel`` counts."""
    fused = None
    if numba_usable(depth, feats, grad_rows):
        from .numba_pool import sum_gradients as fused
    elif triton_usable(depth, feats, grad_rows):
        from .triton_pool import sum_gradients as fused
    if fused is not None:
        grad_depth, grad_feats = fused(depth, feats, grad_rows, index)
        return grad_depth if with_depth else None, grad_feats if with_feats else None
    grad_depth = grad_feats = None
    if with_depth:
        dots = _segment_dot(feats, grad_rows, index.rows_by_pixel, index.pixel_offsets)
        grad_depth = torch.zeros_like(depth).index_copy_(0, index.depths_by_pixel.long(), dots)
    if with_feats:
        weights = depth.index_select(0, index.depths_by_pixel)
        grad_feats = _bag_sum(grad_rows, index.rows_by_pixel, weights, index.pixel_offsets)
    return grad_depth, grad_feats


class _Pool(torch.autograd.Function):
    """Flat depth and (P, C) features -> the hit voxels (V, C), or all voxels (prod(shape), C) with ``dense``."""

    @staticmethod
    def forward(ctx: Any, depth: Tensor, feats: Tensor, index: VoxelPoolIndex, dense: bool) -> Tensor:
        ctx.save_for_backward(depth, feats)
        ctx.index, ctx.dense = index, dense
        return _sum_voxels(depth, feats, index, index.dense_offsets if dense else index.voxel_offsets)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        depth, feats = ctx.saved_tensors
        index, grad = ctx.index, grad.contiguous()
        if index.dense_offsets is not None and not ctx.dense:
            grad = grad.new_zeros(math.prod(index.shape), grad.shape[1]).index_copy_(0, index.voxels, grad)
        return *_sum_gradients(depth, feats, grad, index, *ctx.needs_input_grad[:2]), None, None


def _zeros(num_voxels: int, like: Tensor) -> Tensor:
    """Zeros (num_voxels, C).

    Fresh memory costs more in page faults than in writes. NumPy asks for huge pages, which need 1/512 of the faults;
    small blocks come from the heap and are not fresh.
    """
    shape = (num_voxels, like.shape[1])
    if like.device.type != 'cpu' or is_fake(like) or math.prod(shape) * like.element_size() < _FRESH_BYTES:
        return like.new_zeros(shape)
    dtype = {torch.float32: np.float32, torch.float64: np.float64}[like.dtype]
    return torch.from_numpy(np.empty(shape, dtype)).zero_()


def _inputs(depth: Tensor, feats: Tensor, index: VoxelPoolIndex) -> tuple[Tensor, Tensor]:
    """Flat depth and (P, C) features, contiguous and of one type."""
    rows = feats.reshape(-1, feats.shape[-1])
    if rows.shape[0] != index.pixel_offsets.numel() - 1:
        raise ValueError(
            f'feats hold {rows.shape[0]} pixels but the index was made for {index.pixel_offsets.numel() - 1}; '
            'prepare it with the shape of the feature map'
        )
    dtype = torch.float64 if torch.float64 in (depth.dtype, feats.dtype) else torch.float32
    return depth.reshape(-1).to(dtype), rows.to(dtype).contiguous()


class VoxelBuffer:
    """Memory for the dense voxels of :func:`voxel_pool`, used again from call to call without gradients.

    Writing the zeros of a 200 x 200 x 16 grid takes longer than pooling into it; here only voxels that the last call
    had hit are cleared. The result of a call is overwritten by the next one.
    """

    def __init__(self) -> None:
        self.dense: Tensor | None = None
        self.written: Tensor | None = None

    def cleared(self, index: VoxelPoolIndex, like: Tensor) -> Tensor:
        """Zeros (prod(index.shape), C) of the kind of ``like`` (P, C), to be written at ``index.voxels``."""
        shape = (math.prod(index.shape), like.shape[1])
        dense = self.dense
        if dense is None or dense.shape != shape or dense.dtype != like.dtype or dense.device != like.device:
            self.dense = dense = _zeros(shape[0], like)
        else:
            dense.index_fill_(0, self.written, 0)
        self.written = index.voxels
        return dense


def voxel_pool(depth: Tensor, feats: Tensor, index: VoxelPoolIndex, buffer: VoxelBuffer | None = None) -> Tensor:
    r"""Pool features into voxels, weighted by their depth distribution.

    .. math:: out_v = \sum_{i \in v} depth_{d(i)} \, feats_{p(i)}

    Half-precision inputs are computed and returned in float32, with autocast switched off.

    Args:
        depth (Tensor): Depth probabilities in the order of ``index.depths``, usually (B, N, D, H, W).
        feats (Tensor): Features with channels last, usually (B, N, H, W, C).
        index (VoxelPoolIndex): From :func:`voxel_pool_prepare` or :func:`rank_points`.
        buffer (VoxelBuffer, optional): Memory of the result, which then lasts until the next call with this buffer.
            Not used while gradients are recorded, and on a GPU for the largest grids only. Defaults to None.

    Returns:
        Tensor: Dense voxels (*index.shape, C); voxels without points are 0.

    Raises:
        ValueError: If the number of feature rows is not the number of pixels of the index.
    """
    with full_precision(feats):
        weights, rows = _inputs(depth, feats, index)
        recorded = torch.is_grad_enabled() and (weights.requires_grad or rows.requires_grad)
        # Where all voxels have offsets, a GPU writes the empty ones with the others.
        sparse = index.dense_offsets is None or rows.device.type == 'cpu'
        if buffer is not None and not recorded and sparse:
            pooled = _Pool.apply(weights, rows, index, False)
            dense = buffer.cleared(index, rows).index_copy_(0, index.voxels, pooled)
        elif index.dense_offsets is not None:
            dense = _Pool.apply(weights, rows, index, True)
        else:
            pooled = _Pool.apply(weights, rows, index, False)
            dense = _zeros(math.prod(index.shape), rows).index_copy_(0, index.voxels, pooled)
    return dense.view(*index.shape, -1)


def voxel_pool_rows(depth: Tensor, feats: Tensor, index: VoxelPoolIndex) -> Tensor:
    """Pool features into the hit voxels only; same as :func:`voxel_pool` without the voxels that hold no point.

    Args:
        depth (Tensor): Depth probabilities in the order of ``index.depths``.
        feats (Tensor): Features with channels last. Shape (..., C).
        index (VoxelPoolIndex): The ranking.

    Returns:
        Tensor: Sums of the voxels with keys ``index.voxels``. Shape (V, C), float32 (float64 for such inputs).

    Raises:
        ValueError: If the number of feature rows is not the number of pixels of the index.
    """
    with full_precision(feats):
        weights, rows = _inputs(depth, feats, index)
        return _Pool.apply(weights, rows, index, False)
