"""Voxel grids: coordinates and trilinear lookup in channel-last volumes.

Shape letters: B batch, X/Y/Z voxels, V = B*X*Y*Z rows of a flattened volume, C channels, P or M points.

The centre of voxel ``i`` is at ``min + (i + 0.5) * size`` and its index is ``floor((p - min) / size)``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from projects.compute.precision import computed_dtype, full_precision


@dataclass(frozen=True)
class VoxelGrid:
    """An axis-aligned grid of box-shaped voxels.

    Args:
        point_cloud_range (Sequence[float]): (x_min, y_min, z_min, x_max, y_max, z_max) in metres.
        grid_size (Sequence[int]): Number of voxels along x, y and z.

    Raises:
        ValueError: If a range is empty or a size is not positive.
    """

    point_cloud_range: tuple[float, ...]
    grid_size: tuple[int, ...]

    def __init__(self, point_cloud_range: Sequence[float], grid_size: Sequence[int]) -> None:
        limits = tuple(float(value) for value in point_cloud_range)
        size = tuple(int(value) for value in grid_size)
        if len(limits) != 6 or any(low >= high for low, high in zip(limits[:3], limits[3:])):
            raise ValueError(f'point_cloud_range must be (x, y, z) minima then larger maxima, got {limits}')
        if len(size) != 3 or min(size) < 1:
            raise ValueError(f'grid_size must be three positive integers, got {size}')
        object.__setattr__(self, 'point_cloud_range', limits)
        object.__setattr__(self, 'grid_size', size)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels (X, Y, Z)."""
        return self.grid_size[0], self.grid_size[1], self.grid_size[2]

    @property
    def lower(self) -> tuple[float, float, float]:
        """Corner of the box with the smallest coordinates, in metres."""
        return self.point_cloud_range[0], self.point_cloud_range[1], self.point_cloud_range[2]

    @property
    def upper(self) -> tuple[float, float, float]:
        """Corner of the box with the largest coordinates, in metres."""
        return self.point_cloud_range[3], self.point_cloud_range[4], self.point_cloud_range[5]

    @property
    def voxel_size(self) -> tuple[float, float, float]:
        """Edge lengths of a voxel in metres."""
        sizes = [(high - low) / count for low, high, count in zip(self.lower, self.upper, self.grid_size)]
        return sizes[0], sizes[1], sizes[2]

    def voxel_centers(self, device: torch.device | str | None = None) -> Tensor:
        """World coordinates of all voxel centres. Shape (X, Y, Z, 3), float32."""
        axes = [
            low + (torch.arange(count, device=device, dtype=torch.float32) + 0.5) * size
            for low, count, size in zip(self.lower, self.grid_size, self.voxel_size)
        ]
        return torch.stack(torch.meshgrid(*axes, indexing='ij'), dim=-1)

    def world_to_voxel(self, points: Tensor, align_corners: bool = False) -> Tensor:
        """Continuous voxel coordinates, in which integer ``i`` is the sample point of voxel ``i``.

        Args:
            points (Tensor): World points in metres. Shape (..., 3).
            align_corners (bool): False: sample points are the voxel centres. True: the first and last sample points
                sit on the faces of the box, which stretches the volume by n / (n - 1); this is what released
                RadOcc-like renderers do and is kept for comparison only. Defaults to False.

        Returns:
            Tensor: Voxel coordinates. Shape (..., 3).
        """
        scale, offset = self.affine(align_corners)
        return points * points.new_tensor(scale) + points.new_tensor(offset)

    def voxel_to_world(self, coords: Tensor, align_corners: bool = False) -> Tensor:
        """Inverse of :meth:`world_to_voxel`."""
        scale, offset = self.affine(align_corners)
        return (coords - coords.new_tensor(offset)) / coords.new_tensor(scale)

    def affine(self, align_corners: bool = False) -> tuple[list[float], list[float]]:
        """Scale and offset per axis with ``coords = points * scale + offset``."""
        extents = [high - low for low, high in zip(self.lower, self.upper)]
        if align_corners:
            scale = [(count - 1) / extent for count, extent in zip(self.grid_size, extents)]
            return scale, [-low * s for low, s in zip(self.lower, scale)]
        scale = [count / extent for count, extent in zip(self.grid_size, extents)]
        return scale, [-low * s - 0.5 for low, s in zip(self.lower, scale)]

    def contains(self, points: Tensor) -> Tensor:
        """Whether points lie in the box (lower faces included, upper faces not). Shape (...)."""
        return ((points >= points.new_tensor(self.lower)) & (points < points.new_tensor(self.upper))).all(dim=-1)

    def check_volume(self, name: str, volume: Tensor) -> None:
        """Raise ValueError unless ``volume`` is (B, X, Y, Z, C) on this grid."""
        if volume.dim() != 5 or tuple(volume.shape[1:4]) != self.shape:
            raise ValueError(f'{name} must be (B, {", ".join(map(str, self.shape))}, C), got {tuple(volume.shape)}')


def corner_offsets(shape: Sequence[int]) -> list[int]:
    """Row offsets of the eight corners of a cell in a flattened (X, Y, Z) volume, z fastest.

    An axis with a single voxel has both corners in that voxel.
    """
    steps = (
        shape[1] * shape[2] if shape[0] > 1 else 0,
        shape[2] if shape[1] > 1 else 0,
        1 if shape[2] > 1 else 0,
    )
    return [i * steps[0] + j * steps[1] + k * steps[2] for i in (0, 1) for j in (0, 1) for k in (0, 1)]


def corner_weights(frac: Tensor) -> Tensor:
    """Trilinear weights in the order of :func:`corner_offsets`.

    Args:
        frac (Tensor): Position inside the cell, each in [0, 1]. Shape (M, 3).

    Returns:
        Tensor: Weights, which sum to one. Shape (M, 8), stored corner by corner: products of long vectors are several
        times faster than those of pairs.
    """
    x, y, z = frac.unbind(1)
    xy = torch.stack([(1 - x) * (1 - y), (1 - x) * y, x * (1 - y), x * y])
    return torch.stack([xy * (1 - z), xy * z], dim=1).flatten(0, 1).t()


def locate_cells(coords: Tensor, shape: Sequence[int], batch_index: Tensor | int = 0) -> tuple[Tensor, Tensor]:
    """Cell and position inside the cell of voxel coordinates; the outermost half voxel is extended outwards.

    Args:
        coords (Tensor): Output of :meth:`VoxelGrid.world_to_voxel`. Shape (M, 3).
        shape (Sequence[int]): (X, Y, Z).
        batch_index (Tensor | int): Volume that each point looks into. Shape (M,). Defaults to 0.

    Returns:
        tuple[Tensor, Tensor]: Row of the first corner in the flattened (B*X*Y*Z) volume, int32 of shape (M,), and
        position inside the cell, shape (M, 3).
    """
    rows: Tensor | int = batch_index
    fracs = []
    for axis, count in enumerate(shape):
        coord = coords[:, axis].clamp(0, count - 1)
        cell = coord.floor().clamp(max=max(count - 2, 0))
        fracs.append(coord - cell)
        rows = rows * count + cell.to(torch.int32)
    assert isinstance(rows, Tensor)
    return rows.to(torch.int32), torch.stack(fracs, dim=-1)


class _TrilinearScalar(torch.autograd.Function):
    """Trilinear lookup of a scalar field that stores no (M, 8) table for its backward pass."""

    @staticmethod
    def forward(ctx: Any, field: Tensor, base: Tensor, frac: Tensor, offsets: list[int]) -> Tensor:
        ctx.save_for_backward(base, frac)
        ctx.offsets, ctx.num_rows = offsets, field.shape[0]
        out = torch.zeros(base.shape, dtype=field.dtype, device=field.device)
        field, base = field.contiguous(), base.long()
        for offset, weight in zip(offsets, corner_weights(frac).unbind(1)):
            out.addcmul_(field.index_select(0, base + offset), weight)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[override]
        base, frac = ctx.saved_tensors
        base = base.long()  # rows of another type take a slow path in index_add_
        grad_field = torch.zeros(ctx.num_rows, dtype=grad.dtype, device=grad.device)
        for offset, weight in zip(ctx.offsets, corner_weights(frac).unbind(1)):
            grad_field.index_add_(0, base + offset, grad * weight)
        return grad_field, None, None, None


def lookup_scalar(field: Tensor, base: Tensor, frac: Tensor, offsets: list[int]) -> Tensor:
    """Trilinear lookup of a scalar field at located cells.

    Args:
        field (Tensor): Flattened scalar volume. Shape (V,).
        base (Tensor): Rows of :func:`locate_cells`. Shape (M,).
        frac (Tensor): Positions of :func:`locate_cells`. Shape (M, 3).
        offsets (list[int]): Output of :func:`corner_offsets`.

    Returns:
        Tensor: Interpolated values. Shape (M,). Differentiable once, in ``field`` only.
    """
    return _TrilinearScalar.apply(field, base, frac.to(field.dtype), offsets)


def lookup_trilinear(volume: Tensor, points: Tensor, grid: VoxelGrid, align_corners: bool = False) -> Tensor:
    """Trilinear lookup in a channel-last volume; points outside the box read 0.

    Args:
        volume (Tensor): Shape (B, X, Y, Z, C).
        points (Tensor): World points in metres. Shape (B, P, 3).
        grid (VoxelGrid): Where the volume is.
        align_corners (bool): See :meth:`VoxelGrid.world_to_voxel`. Defaults to False.

    Returns:
        Tensor: Interpolated channels, float32 when ``volume`` has half precision. Shape (B, P, C). Differentiable in
        ``volume`` only.

    Raises:
        ValueError: If the shapes do not fit.
    """
    grid.check_volume('volume', volume)
    batch, num_points = points.shape[:2]
    if points.shape != (volume.shape[0], num_points, 3):
        raise ValueError(f'points must be ({volume.shape[0]}, P, 3), got {tuple(points.shape)}')
    with full_precision(volume):
        dtype = computed_dtype(volume)
        flat_points = points.detach().to(dtype).reshape(-1, 3)
        batch_index = torch.arange(batch, device=points.device, dtype=torch.int32).repeat_interleave(num_points)
        base, frac = locate_cells(grid.world_to_voxel(flat_points, align_corners), grid.shape, batch_index)
        weights = corner_weights(frac) * grid.contains(flat_points)[:, None]
        offsets = torch.tensor(corner_offsets(grid.shape), device=base.device, dtype=base.dtype)
        rows = volume.to(dtype).reshape(-1, volume.shape[-1])
        out = F.embedding_bag(base[:, None] + offsets, rows, mode='sum', per_sample_weights=weights)
    return out.reshape(batch, num_points, -1)
