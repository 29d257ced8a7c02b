"""Voxel pooling of camera features: sum of ``depth * feature`` over the frustum points of each voxel.

The work is split in two. :func:`voxel_pool_prepare` turns camera rays into a :class:`VoxelPoolIndex`, which holds
integers only and may be kept as long as the calibration stays the same. :func:`voxel_pool` is the differentiable sum.
Gradients reach depth and features, never the geometry.

Semantics: bev_pool_v2 of BEVDet (arXiv:2211.17111); the kernels are our own and run on every device of PyTorch.

Shape letters: B batch, N cameras, H x W feature map, D depth bins, C channels, M frustum points inside the grid,
P = B * N * H * W pixels, V voxels that hold at least one point, X/Y/Z voxels of the grid.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

_INT32_MAX = 2**31 - 1
# Strides of a voxel key are laid out slowest axis first; the names spell that order.
_LAYOUTS = {'xyz': (0, 1, 2), 'zyx': (2, 1, 0)}


class VoxelPoolIndex(NamedTuple):
    """Which frustum point falls into which voxel.

    Points appear in two orders: voxel-major (sorted by voxel, for the forward sum) and pixel-major (sorted by pixel,
    for the backward sum), so that neither direction needs a sort or atomics.
    """

    voxels: Tensor
    """(V,) key of each hit voxel in the dense output, ascending."""
    voxel_offsets: Tensor
    """(V + 1,) first point of each hit voxel in voxel-major order."""
    pixels: Tensor
    """(M,) pixel of each point, voxel-major."""
    depths: Tensor
    """(M,) position of each point in the flat depth tensor, voxel-major. No position occurs twice."""
    pixel_offsets: Tensor
    """(P + 1,) first point of each pixel in pixel-major order."""
    rows_by_pixel: Tensor
    """(M,) hit voxel (a number below V) of each point, pixel-major."""
    depths_by_pixel: Tensor
    """(M,) position of each point in the flat depth tensor, pixel-major."""
    shape: tuple[int, ...]
    """(B, *grid) shape of the dense output without channels, grid in the order of the layout."""


def _index_dtype(*sizes: int) -> torch.dtype:
    return torch.int32 if max(sizes) <= _INT32_MAX else torch.int64


def _offsets(counts: Tensor) -> Tensor:
    """Start of each segment, and the end of the last: (n,) counts -> (n + 1,)."""
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def rank_points(
    pixels: Tensor, depths: Tensor, voxels: Tensor, num_pixels: int, shape: tuple[int, ...]
) -> VoxelPoolIndex:
    """Build the two orders of :class:`VoxelPoolIndex` from a list of points.

    The sort is stable, so sums are bit-identical from run to run.

    Args:
        pixels (Tensor): Pixel of each point, non-decreasing, in ``[0, num_pixels)``. Shape (M,).
        depths (Tensor): Position of each point in the flat depth tensor, each at most once. Shape (M,).
        voxels (Tensor): Key of the voxel of each point, in ``[0, prod(shape))``. Shape (M,).
        num_pixels (int): P, the number of rows of the feature matrix.
        shape (tuple[int, ...]): Shape of the dense output without channels.

    Returns:
        VoxelPoolIndex: The ranking, in the integer type of ``depths``.
    """
    dtype = depths.dtype
    sorted_voxels, order = torch.sort(voxels, stable=True)
    hit, row, count = torch.unique_consecutive(sorted_voxels, return_inverse=True, return_counts=True)
    row = row.to(dtype)
    pixel_count = torch.zeros(num_pixels, dtype=torch.int64, device=pixels.device)
    pixel_count = pixel_count.scatter_add(0, pixels.long(), torch.ones_like(pixels, dtype=torch.int64))
    return VoxelPoolIndex(
        voxels=hit.long(),
        voxel_offsets=_offsets(count).to(dtype),
        pixels=pixels.index_select(0, order).to(dtype),
        depths=depths.index_select(0, order),
        pixel_offsets=_offsets(pixel_count).to(dtype),
        rows_by_pixel=torch.empty_like(row).scatter_(0, order, row),
        depths_by_pixel=depths,
        shape=tuple(shape),
    )


def voxel_pool_prepare(
    rays: Tensor,
    origins: Tensor,
    depth_values: Tensor,
    lower: Sequence[float],
    voxel_size: Sequence[float],
    grid_shape: Sequence[int],
    layout: str = 'zyx',
    legacy_trunc: bool = False,
) -> VoxelPoolIndex:
    """Find the voxel of every frustum point ``origin + depth * ray``.

    Args:
        rays (Tensor): Ray of each pixel in the grid's frame, scaled to camera z = 1. Shape (B, N, H, W, 3).
        origins (Tensor): Camera centre in the grid's frame, in metres. Shape (B, N, 3).
        depth_values (Tensor): z-depth of each bin in metres. Shape (D,).
        lower (Sequence[float]): Lower corner (x, y, z) of the grid in metres.
        voxel_size (Sequence[float]): Size (x, y, z) of a voxel in metres.
        grid_shape (Sequence[int]): Number of voxels (X, Y, Z).
        layout (str): Axis order of the dense output, slowest first: 'zyx' (for BEV) or 'xyz' (for voxels).
            Defaults to 'zyx'.
        legacy_trunc (bool): Round indices toward zero instead of down, as BEVDet and FlashOcc do: voxels with index 0
            then also take the points of one cell below the range. Only for their released weights. Defaults to False.

    Returns:
        VoxelPoolIndex: Ranking of the points inside the grid, for a depth tensor in (B, N, D, H, W) order and a
        feature matrix in (B, N, H, W) order.

    Raises:
        ValueError: If ``layout`` is unknown.
    """
    if layout not in _LAYOUTS:
        raise ValueError(f'layout must be one of {sorted(_LAYOUTS)}, got {layout!r}')
    B, N, H, W, _ = rays.shape
    D = depth_values.numel()
    device = rays.device
    # Pixel-major point order (B, N, H, W, D): `nonzero` below then lists the points pixel by pixel.
    points = rays.unsqueeze(4) * depth_values.to(rays.dtype).unsqueeze(1) + origins.view(B, N, 1, 1, 1, 3)
    corner, size, limits = (
        torch.tensor(values, dtype=rays.dtype, device=device) for values in (lower, voxel_size, grid_shape)
    )
    scaled = (points - corner) / size
    cells = scaled.trunc() if legacy_trunc else scaled.floor()
    inside = ((cells >= 0) & (cells < limits)).all(-1)

    shape = (B, *(int(grid_shape[axis]) for axis in _LAYOUTS[layout]))
    dtype = _index_dtype(math.prod(shape), B * N * H * W * D)
    (kept,) = torch.where(inside.flatten())
    cells = cells.flatten(0, -2).index_select(0, kept).to(dtype)
    pixels = kept.to(dtype) // D
    key = pixels // (N * H * W)
    for axis in _LAYOUTS[layout]:
        key = key * int(grid_shape[axis]) + cells.select(1, axis)
    camera = pixels // (H * W)
    depths = (camera * D + kept.to(dtype) % D) * (H * W) + pixels % (H * W)
    return rank_points(pixels, depths, key, B * N * H * W, shape)


def _segment_dot(queries: Tensor, table: Tensor, rows: Tensor, offsets: Tensor) -> Tensor:
    """Dot product of query p with ``table[rows[i]]`` for every i in segment p; shape (M,).

    The private operator computes it without an (M, C) temporary. PyTorch may change it, hence the plain form.
    """
    segments = torch.repeat_interleave(offsets.diff().long(), output_size=rows.numel()).to(rows.dtype)
    try:
        return torch.ops.aten._embedding_bag_per_sample_weights_backward(queries, table, rows, offsets, segments, 0, -1)
    except (AttributeError, TypeError):
        return (queries.index_select(0, segments) * table.index_select(0, rows)).sum(1)


class _PoolRows(torch.autograd.Function):
    """Sum the points of each hit voxel: (P, C) features and flat depth -> (V, C)."""

    @staticmethod
    def forward(ctx: Any, depth: Tensor, feats: Tensor, index: VoxelPoolIndex) -> Tensor:
        ctx.save_for_backward(depth, feats)
        ctx.index = index
        return F.embedding_bag(
            index.pixels,
            feats,
            index.voxel_offsets,
            mode='sum',
            per_sample_weights=depth.index_select(0, index.depths),
            include_last_offset=True,
        )

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_rows: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        depth, feats = ctx.saved_tensors
        index: VoxelPoolIndex = ctx.index
        grad_rows = grad_rows.contiguous()
        grad_depth = grad_feats = None
        if ctx.needs_input_grad[0]:
            dots = _segment_dot(feats, grad_rows, index.rows_by_pixel, index.pixel_offsets)
            grad_depth = torch.zeros_like(depth).index_copy_(0, index.depths_by_pixel.long(), dots)
        if ctx.needs_input_grad[1]:
            grad_feats = F.embedding_bag(
                index.rows_by_pixel,
                grad_rows,
                index.pixel_offsets,
                mode='sum',
                per_sample_weights=depth.index_select(0, index.depths_by_pixel),
                include_last_offset=True,
            )
        return grad_depth, grad_feats, None


def voxel_pool(depth: Tensor, feats: Tensor, index: VoxelPoolIndex) -> Tensor:
    r"""Pool features into voxels, weighted by their depth distribution.

    .. math:: out_v = \sum_{i \in v} depth_{d(i)} \, feats_{p(i)}

    Half-precision inputs are computed and returned in float32, with autocast switched off.

    Args:
        depth (Tensor): Depth probabilities in the order of ``index.depths``, usually (B, N, D, H, W).
        feats (Tensor): Features with channels last, usually (B, N, H, W, C).
        index (VoxelPoolIndex): From :func:`voxel_pool_prepare` or :func:`rank_points`.

    Returns:
        Tensor: Dense voxels (*index.shape, C); voxels without points are 0.

    Raises:
        ValueError: If the number of feature rows is not the number of pixels of the index.
    """
    rows = feats.reshape(-1, feats.shape[-1])
    if rows.shape[0] != index.pixel_offsets.numel() - 1:
        raise ValueError(
            f'feats hold {rows.shape[0]} pixels but the index was made for {index.pixel_offsets.numel() - 1}; '
            'prepare it with the shape of the feature map'
        )
    dtype = torch.float64 if torch.float64 in (depth.dtype, feats.dtype) else torch.float32
    with torch.autocast(feats.device.type, enabled=False):
        rows = rows.to(dtype).contiguous()
        dense = rows.new_zeros(math.prod(index.shape), rows.shape[1])
        pooled = _PoolRows.apply(depth.reshape(-1).to(dtype), rows, index)
        dense = dense.index_copy(0, index.voxels, pooled)
    return dense.view(*index.shape, -1)
