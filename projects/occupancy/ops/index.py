"""Which frustum point falls into which voxel.

Shape letters: B batch, N cameras, H x W feature map, D depth bins, M frustum points inside the grid,
P = B * N * H * W pixels, V voxels that hold at least one point, X/Y/Z voxels of the grid.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from projects.compute.asynchronous import constant
from projects.compute.tensors import numba_usable

_INT32_MAX = 2**31 - 1
# Voxel keys are laid out slowest axis first; the names spell that order.
_LAYOUTS = {'xyz': (0, 1, 2), 'zyx': (2, 1, 0), 'yxz': (1, 0, 2)}
# The counting sort needs one counter per voxel of the grid; beyond this many per point a sort of the points is cheaper.
_MAX_COUNTERS_PER_POINT = 16
# Summing empty voxels with the others saves a pass over the output; in larger grids skipping them saves more.
_MAX_DENSE_VOXELS = 2**18


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
    """(M,) row of the output that each point adds to, pixel-major: the key of its voxel if there are
    ``dense_offsets``, else the number of the hit voxel."""
    depths_by_pixel: Tensor
    """(M,) position of each point in the flat depth tensor, pixel-major."""
    dense_offsets: Tensor | None
    """(voxels + 1,) first point of every voxel of the dense output; None for large grids, where hit voxels are few."""
    shape: tuple[int, ...]
    """(B, *grid) shape of the dense output without channels, grid in the order of the layout."""


def _index_dtype(*sizes: int) -> torch.dtype:
    return torch.int32 if max(sizes) <= _INT32_MAX else torch.int64


def _offsets(counts: Tensor, dtype: torch.dtype) -> Tensor:
    """Start of each segment, and the end of the last: (n,) counts -> (n + 1,)."""
    return torch.cat([counts.new_zeros(1, dtype=dtype), counts.cumsum(0, dtype=dtype)])


def _is_dense(shape: tuple[int, ...]) -> bool:
    return math.prod(shape) <= _MAX_DENSE_VOXELS


def _dense_offsets(voxels: Tensor, voxel_offsets: Tensor, shape: tuple[int, ...]) -> Tensor | None:
    if not _is_dense(shape):
        return None
    counts = voxel_offsets.new_zeros(math.prod(shape)).index_copy_(0, voxels, voxel_offsets.diff())
    return _offsets(counts, voxel_offsets.dtype)


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
    counts = torch.zeros(num_pixels, dtype=torch.int64, device=pixels.device)
    counts = counts.scatter_add(0, pixels.long(), torch.ones_like(pixels, dtype=torch.int64))
    return _rank(pixels, depths, voxels, counts, shape)


def _rank(
    pixels: Tensor, depths: Tensor, voxels: Tensor, pixel_counts: Tensor, shape: tuple[int, ...]
) -> VoxelPoolIndex:
    """:func:`rank_points` with the number of points of each pixel at hand."""
    dtype = depths.dtype
    sorted_voxels, order = torch.sort(voxels, stable=True)
    hit, row, count = torch.unique_consecutive(sorted_voxels, return_inverse=True, return_counts=True)
    row, hit, voxel_offsets = row.to(dtype), hit.long(), _offsets(count, dtype)
    return VoxelPoolIndex(
        voxels=hit,
        voxel_offsets=voxel_offsets,
        pixels=pixels.index_select(0, order).to(dtype),
        depths=depths.index_select(0, order),
        pixel_offsets=_offsets(pixel_counts, dtype),
        rows_by_pixel=voxels.to(dtype) if _is_dense(shape) else torch.empty_like(row).scatter_(0, order, row),
        depths_by_pixel=depths,
        dense_offsets=_dense_offsets(hit, voxel_offsets, shape),
        shape=tuple(shape),
    )


def _prepare_with_torch(
    rays: Tensor, origins: Tensor, bins: Tensor, grid_shape: Sequence[int], axes: Sequence[int], legacy_trunc: bool
) -> VoxelPoolIndex:
    """:func:`voxel_pool_prepare` for rays (B, N, H * W, 3) and origins (B, N, 3) in units of voxels."""
    B, N, HW, _ = rays.shape
    D = bins.numel()
    shape = (B, *(grid_shape[axis] for axis in axes))
    dtype = _index_dtype(math.prod(shape), B * N * HW * D)

    def numbers(count: int) -> Tensor:
        return torch.arange(count, dtype=dtype, device=rays.device)

    # Pixel-major point order (B, N, H * W, D): `where` below then lists the points pixel by pixel.
    inside = torch.ones((), dtype=torch.bool, device=rays.device)
    key = numbers(B).view(B, 1, 1, 1)
    for axis in axes:
        # A product and a sum, not a fused operation, so that every backend rounds alike.
        coords = (rays.select(-1, axis).unsqueeze(-1) * bins).add_(origins.select(-1, axis).view(B, N, 1, 1))
        within = (coords > -1 if legacy_trunc else coords >= 0).logical_and_(coords < grid_shape[axis])
        inside = within.logical_and_(inside)
        # Inside the grid the conversion, which rounds toward zero, is the floor (or the legacy truncation).
        key = coords.to(dtype).add_(key * grid_shape[axis])
    counts = inside.view(B * N * HW, D).sum(1)
    (kept,) = torch.where(inside.view(-1))
    cameras = numbers(B * N).view(-1, 1, 1) * (D * HW)
    depths = (cameras + numbers(HW).view(-1, 1) + numbers(D) * HW).view(-1).index_select(0, kept)
    pixels = torch.repeat_interleave(numbers(B * N * HW), counts, output_size=kept.numel())
    return _rank(pixels, depths, key.view(-1).index_select(0, kept), counts, shape)


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

    On the CPU a numba kernel sorts by counting; it gives the same integers as the PyTorch code.

    Args:
        rays (Tensor): Ray of each pixel in the grid's frame, scaled to camera z = 1. Shape (B, N, H, W, 3).
        origins (Tensor): Camera centre in the grid's frame, in metres. Shape (B, N, 3).
        depth_values (Tensor): z-depth of each bin in metres. Shape (D,).
        lower (Sequence[float]): Lower corner (x, y, z) of the grid in metres.
        voxel_size (Sequence[float]): Size (x, y, z) of a voxel in metres.
        grid_shape (Sequence[int]): Number of voxels (X, Y, Z).
        layout (str): Axis order of the dense output, slowest first: 'zyx', 'yxz' (a BEV with the voxels of a column
            side by side) or 'xyz' (voxels). Defaults to 'zyx'.
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
    axes = _LAYOUTS[layout]
    grid_shape = [int(count) for count in grid_shape]
    corner, size = (constant(values, rays) for values in (lower, voxel_size))
    bins = depth_values.to(rays.dtype)
    rays, origins = rays.flatten(2, 3) / size, (origins.to(rays.dtype) - corner) / size
    few_counters = rays.shape[0] * math.prod(grid_shape) <= _MAX_COUNTERS_PER_POINT * rays.shape[:3].numel() * len(bins)
    if few_counters and numba_usable(rays, origins, bins):
        from .numba_index import prepare_with_numba

        shape = (rays.shape[0], *(grid_shape[axis] for axis in axes))
        dtype = _index_dtype(math.prod(shape), rays.shape[:3].numel() * bins.numel())
        tensors = prepare_with_numba(rays, origins, bins, grid_shape, axes, legacy_trunc, dtype, _is_dense(shape))
        return VoxelPoolIndex(*tensors, _dense_offsets(*tensors[:2], shape), shape)
    return _prepare_with_torch(rays, origins, bins, grid_shape, axes, legacy_trunc)
