"""Which frustum point falls into which voxel.

Shape letters: B batch, N cameras, H x W feature map, D depth bins, M frustum points inside the grid,
P = B * N * H * W pixels, V voxels that hold at least one point, X/Y/Z voxels of the grid.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from projects.compute.asynchronous import constant, kept
from projects.compute.tensors import numba_usable

_INT32_MAX = 2**31 - 1
# Voxel keys are laid out slowest axis first; the names spell that order.
_LAYOUTS = {'xyz': (0, 1, 2), 'zyx': (2, 1, 0), 'yxz': (1, 0, 2)}
# The counting sort needs one counter per voxel of the grid; beyond this many per point a sort of the points is cheaper.
_MAX_COUNTERS_PER_POINT = 16
# Summing empty voxels with the others saves a pass over the output; in larger grids skipping them saves more. A GPU
# would wait for the number of hit voxels.
_MAX_DENSE_VOXELS = 2**18
_MAX_DENSE_VOXELS_OF_GPU = 2**26


@dataclass(frozen=True)
class VoxelPoolIndex:
    """Which frustum point falls into which voxel.

    Points appear in two orders: voxel-major (sorted by voxel, for the forward sum) and pixel-major (sorted by pixel,
    for the backward sum), so that neither direction needs a sort or atomics.

    Args:
        pixels (Tensor): Pixel of each point, voxel-major. Shape (M,).
        depths (Tensor): Position of each point in the flat depth tensor, voxel-major. No position occurs twice. (M,).
        pixel_offsets (Tensor): First point of each pixel in pixel-major order. Shape (P + 1,).
        rows_by_pixel (Tensor): Row of the output that each point adds to, pixel-major: the key of its voxel if there
            are ``dense_offsets``, else the number of the hit voxel. Shape (M,).
        depths_by_pixel (Tensor): Position of each point in the flat depth tensor, pixel-major. Shape (M,).
        dense_offsets (Tensor, optional): First point of every voxel of the dense output, (voxels + 1,); None for large
            grids, where hit voxels are few.
        shape (tuple[int, ...]): (B, *grid) of the dense output without channels, grid in the order of the layout.
        hits (tuple[Tensor, Tensor], optional): ``voxels`` and ``voxel_offsets``. Defaults to None: found in
            ``dense_offsets`` when they are asked for, for which a GPU is waited for.
    """

    pixels: Tensor
    depths: Tensor
    pixel_offsets: Tensor
    rows_by_pixel: Tensor
    depths_by_pixel: Tensor
    dense_offsets: Tensor | None
    shape: tuple[int, ...]
    hits: tuple[Tensor, Tensor] | None = None

    @cached_property
    def _hits(self) -> tuple[Tensor, Tensor]:
        if self.hits is not None:
            return self.hits
        assert self.dense_offsets is not None
        (voxels,) = torch.where(self.dense_offsets.diff() > 0)
        return voxels, torch.cat([self.dense_offsets.index_select(0, voxels), self.dense_offsets.narrow(0, -1, 1)])

    @property
    def voxels(self) -> Tensor:
        """Key of each hit voxel in the dense output, ascending. Shape (V,)."""
        return self._hits[0]

    @property
    def voxel_offsets(self) -> Tensor:
        """First point of each hit voxel in voxel-major order, and the number of points. Shape (V + 1,)."""
        return self._hits[1]


def _index_dtype(*sizes: int) -> torch.dtype:
    return torch.int32 if max(sizes) <= _INT32_MAX else torch.int64


def _offsets(counts: Tensor, dtype: torch.dtype) -> Tensor:
    """Start of each segment, and the end of the last: (n,) counts -> (n + 1,)."""
    return torch.cat([counts.new_zeros(1, dtype=dtype), counts.cumsum(0, dtype=dtype)])


def _is_dense(shape: tuple[int, ...], device: torch.device) -> bool:
    return math.prod(shape) <= (_MAX_DENSE_VOXELS if device.type == 'cpu' else _MAX_DENSE_VOXELS_OF_GPU)


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
    hits: tuple[Tensor, Tensor] | None = None
    dense_offsets: Tensor | None = None
    if _is_dense(shape, voxels.device):
        # Where the points of every voxel begin is found without asking how many voxels are hit.
        edges = torch.arange(math.prod(shape) + 1, dtype=sorted_voxels.dtype, device=voxels.device)
        dense_offsets = torch.searchsorted(sorted_voxels, edges, out_int32=dtype == torch.int32)
        rows_by_pixel = voxels.to(dtype)
    else:
        hit, row, count = torch.unique_consecutive(sorted_voxels, return_inverse=True, return_counts=True)
        hits = hit.long(), _offsets(count, dtype)
        rows_by_pixel = torch.empty_like(row, dtype=dtype).scatter_(0, order, row.to(dtype))
    return VoxelPoolIndex(
        pixels=pixels.index_select(0, order).to(dtype),
        depths=depths.index_select(0, order),
        pixel_offsets=_offsets(pixel_counts, dtype),
        rows_by_pixel=rows_by_pixel,
        depths_by_pixel=depths,
        dense_offsets=dense_offsets,
        shape=tuple(shape),
        hits=hits,
    )


def _prepare_with_torch(
    rays: Tensor, origins: Tensor, bins: Tensor, grid_shape: Sequence[int], axes: Sequence[int], legacy_trunc: bool
) -> VoxelPoolIndex:
    """:func:`voxel_pool_prepare` for rays (B, N, H * W, 3) and origins (B, N, 3) in units of voxels."""
    B, N, HW, _ = rays.shape
    D = bins.numel()
    shape = (B, *(grid_shape[axis] for axis in axes))
    dtype = _index_dtype(math.prod(shape), B * N * HW * D)

    # Axis by axis, then in pixel-major order of points (B, N, H * W, D), so that `where` lists them pixel by pixel.
    limits = constant([grid_shape[axis] for axis in axes], rays).view(3, 1, 1, 1, 1)
    strides = constant([math.prod(shape[i + 2 :]) for i in range(3)], rays, dtype).view(3, 1, 1, 1, 1)
    rays, origins = (torch.stack([part.select(-1, axis) for axis in axes]) for part in (rays, origins))
    # A product and a sum, not a fused operation, so that every backend rounds alike.
    coords = (rays.unsqueeze(-1) * bins).add_(origins.view(3, B, N, 1, 1))
    inside = (coords > -1 if legacy_trunc else coords >= 0).logical_and_(coords < limits).all(0)
    # Inside the grid the conversion, which rounds toward zero, is the floor (or the legacy truncation).
    key = coords.to(dtype).mul_(strides).sum(0, dtype=dtype)
    if B > 1:
        key += torch.arange(B, dtype=dtype, device=key.device).mul_(math.prod(shape[1:])).view(B, 1, 1, 1)
    counts = inside.view(B * N * HW, D).sum(1)
    (places,) = torch.where(inside.view(-1))
    depths = kept(_depth_positions, (B * N, D, HW, dtype), key).index_select(0, places)
    pixels = torch.div(places, D, rounding_mode='floor')
    return _rank(pixels, depths, key.view(-1).index_select(0, places), counts, shape)


def _depth_positions(
    num_cams: int, num_depths: int, num_pixels: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Position in the flat depth tensor of each point, pixel by pixel: depths lie by (B * N, D, H * W)."""
    positions = torch.arange(num_cams * num_depths * num_pixels, dtype=dtype, device=device)
    return positions.view(num_cams, num_depths, num_pixels).transpose(1, 2).reshape(-1)


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
        dense = _is_dense(shape, rays.device)
        options = (grid_shape, axes, legacy_trunc, dtype, dense)
        (voxels, voxel_offsets), points = prepare_with_numba(rays, origins, bins, *options)
        dense_offsets = None
        if dense:
            counts = voxel_offsets.new_zeros(math.prod(shape)).index_copy_(0, voxels, voxel_offsets.diff())
            dense_offsets = _offsets(counts, dtype)
        return VoxelPoolIndex(*points, dense_offsets, shape, (voxels, voxel_offsets))
    return _prepare_with_torch(rays, origins, bins, grid_shape, axes, legacy_trunc)
