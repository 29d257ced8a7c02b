"""Rays cut at the faces of voxels, for the render of voxels of constant density.

Shape letters: B batch, R rays per batch element, N = B*R rays, M pieces of rays.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from projects.compute.threads import run_over_range

from .grid import VoxelGrid


def cut_rays_with_torch(
    origins: Tensor, directions: Tensor, grid: VoxelGrid, enter: Tensor, leave: Tensor, packed: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Cut rays at the faces of voxels, by sorting all of them.

    Args:
        origins (Tensor): Shape (B, R, 3).
        directions (Tensor): Shape (B, R, 3).
        grid (VoxelGrid): The voxels.
        enter (Tensor): Ray parameter at which the pieces begin, inside the grid. Shape (N,).
        leave (Tensor): Where they end; a ray with ``leave <= enter`` has none. Shape (N,).
        packed (bool): Keep pieces of some length only.

    Returns:
        tuple: ``ray_offsets``, ``sample_base``, ``sample_span`` and ``sample_inside`` of :class:`RaySamples`.
    """
    rays_per_batch = origins.shape[1]
    o, d = origins.flatten(0, 1), directions.flatten(0, 1)
    num_rays = o.shape[0]
    near, far = enter[:, None], torch.maximum(leave, enter)[:, None]
    cuts = [near, far]
    for axis in range(3):
        faces = grid.lower[axis] + grid.voxel_size[axis] * torch.arange(
            grid.shape[axis] + 1, device=o.device, dtype=o.dtype
        )
        moving = d[:, axis, None] != 0
        speed = torch.where(moving, d[:, axis, None], torch.ones_like(d[:, axis, None]))
        cuts.append(torch.where(moving, (faces - o[:, axis, None]) / speed, near))
    t = torch.minimum(torch.maximum(torch.cat(cuts, dim=1), near), far).sort(dim=1).values
    points = o[:, None] + (0.5 * (t[:, :-1] + t[:, 1:]))[..., None] * d[:, None]
    rows = torch.arange(num_rays, device=o.device)[:, None].div(rays_per_batch, rounding_mode='floor')
    for axis in range(3):
        cell = ((points[..., axis] - grid.lower[axis]) / grid.voxel_size[axis]).floor().long()
        rows = rows * grid.shape[axis] + cell.clamp(0, grid.shape[axis] - 1)
    span = torch.stack([t[:, :-1], t[:, 1:]], dim=-1)
    inside = t[:, 1:] > t[:, :-1]
    if packed:
        return F.pad(inside.sum(dim=1).cumsum(0), (1, 0)), rows[inside].int(), span[inside], None
    offsets = torch.arange(num_rays + 1, device=o.device) * inside.shape[1]
    return offsets, rows.flatten().int(), span.flatten(0, 1), inside.flatten()


def cut_rays_with_numba(
    origins: Tensor, directions: Tensor, grid: VoxelGrid, enter: Tensor, leave: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """As :func:`cut_rays_with_torch`, packed, by walking from voxel to voxel; some pieces may have no length."""
    from . import walk_kernels

    num_rays = enter.shape[0]
    rays = (
        origins.reshape(-1, 3).contiguous().numpy(),
        directions.reshape(-1, 3).contiguous().numpy(),
        enter.double().numpy(),
        leave.double().numpy(),
        torch.tensor(grid.lower, dtype=torch.float64).numpy(),
        torch.tensor(grid.voxel_size, dtype=torch.float64).numpy(),
        grid.shape,
    )
    offsets = torch.zeros(num_rays + 1, dtype=torch.int64)
    run_over_range(walk_kernels.count_pieces, num_rays, *rays, offsets.numpy())
    offsets = offsets.cumsum(0)
    base = torch.empty(int(offsets[-1]), dtype=torch.int32)
    span = torch.empty(len(base), 2, dtype=origins.dtype)
    pieces = (part.numpy() for part in (offsets, base, span))
    run_over_range(walk_kernels.walk_voxels, num_rays, *rays, origins.shape[1], *pieces)
    return offsets, base, span, None
