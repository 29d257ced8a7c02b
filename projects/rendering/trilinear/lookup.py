"""Trilinear lookup in channel-last volumes.

Shape letters: B batch, X/Y/Z voxels, V = B*X*Y*Z rows of a flattened volume, C channels, P or M points.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from projects.compute.asynchronous import constant
from projects.compute.precision import computed_dtype, full_precision
from projects.rendering.grid import VoxelGrid


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
        offsets = constant(corner_offsets(grid.shape), base)
        rows = volume.to(dtype).reshape(-1, volume.shape[-1])
        out = F.embedding_bag(base[:, None] + offsets, rows, mode='sum', per_sample_weights=weights)
    return out.reshape(batch, num_points, -1)
