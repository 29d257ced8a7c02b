"""Rays cut at the faces of voxels and at the edges of bins, for the render of voxels of constant density.

Shape letters: B batch, R rays per batch element, N = B*R rays, S bins per ray, M pieces of rays.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .backend import run_over_rays
from .grid import VoxelGrid


def cut_rays_with_torch(
    origins: Tensor, directions: Tensor, grid: VoxelGrid, starts: Tensor, ends: Tensor, near: Tensor, far: Tensor,
    packed: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:  # fmt: skip
    """Cut rays at the faces of voxels and at the edges of bins, by sorting all of them.

    Args:
        origins (Tensor): Shape (B, R, 3).
        directions (Tensor): Shape (B, R, 3).
        grid (VoxelGrid): The voxels.
        starts (Tensor): Starts of the bins. Shape (1 or N, S).
        ends (Tensor): Ends of the bins; each is the start of the next.
        near (Tensor): Ray parameter at which rays enter the grid. Shape (N,).
        far (Tensor): Where they leave it. Shape (N,).
        packed (bool): Keep pieces of some length only.

    Returns:
        tuple: ``ray_offsets``, ``sample_index``, ``sample_base``, ``sample_span`` and ``sample_inside`` of
        :class:`RaySamples`.
    """
    rays_per_batch, num_samples = origins.shape[1], starts.shape[1]
    o, d = origins.flatten(0, 1), directions.flatten(0, 1)
    num_rays = o.shape[0]
    edges = torch.cat([starts, ends[:, -1:]], dim=1)
    near = torch.minimum(torch.maximum(near, edges[:, 0]), edges[:, -1])
    far = torch.maximum(torch.minimum(far, edges[:, -1]), near)
    cuts = [edges.expand(num_rays, -1)]
    for axis in range(3):
        faces = grid.lower[axis] + grid.voxel_size[axis] * torch.arange(
            grid.shape[axis] + 1, device=o.device, dtype=o.dtype
        )
        moving = d[:, axis, None] != 0
        speed = torch.where(moving, d[:, axis, None], torch.ones_like(d[:, axis, None]))
        cuts.append(torch.where(moving, (faces - o[:, axis, None]) / speed, near[:, None]))
    t = torch.minimum(torch.maximum(torch.cat(cuts, dim=1), near[:, None]), far[:, None]).sort(dim=1).values
    middle = 0.5 * (t[:, :-1] + t[:, 1:])
    points = o[:, None] + middle[..., None] * d[:, None]
    rows = torch.arange(num_rays, device=o.device)[:, None].div(rays_per_batch, rounding_mode='floor')
    for axis in range(3):
        cell = ((points[..., axis] - grid.lower[axis]) / grid.voxel_size[axis]).floor().long()
        rows = rows * grid.shape[axis] + cell.clamp(0, grid.shape[axis] - 1)
    bins = torch.searchsorted(edges.expand(num_rays, -1)[:, 1:-1].contiguous(), middle.contiguous(), right=True)
    index = torch.arange(num_rays, device=o.device)[:, None] * num_samples + bins
    span = torch.stack([t[:, :-1], t[:, 1:]], dim=-1)
    inside = t[:, 1:] > t[:, :-1]
    if packed:
        counts = inside.sum(dim=1)
        return F.pad(counts.cumsum(0), (1, 0)), index[inside], rows[inside].int(), span[inside], None
    offsets = torch.arange(num_rays + 1, device=o.device) * middle.shape[1]
    return offsets, index.flatten(), rows.flatten().int(), span.flatten(0, 1), inside.flatten()


def cut_rays_with_numba(
    origins: Tensor, directions: Tensor, grid: VoxelGrid, starts: Tensor, ends: Tensor, near: Tensor, far: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """As :func:`cut_rays_with_torch`, packed, by walking from voxel to voxel."""
    from . import voxel_kernels

    num_rays = near.shape[0]
    rays = (
        origins.reshape(-1, 3).contiguous().numpy(),
        directions.reshape(-1, 3).contiguous().numpy(),
        near.double().numpy(),
        far.double().numpy(),
        torch.tensor(grid.lower, dtype=torch.float64).numpy(),
        torch.tensor(grid.voxel_size, dtype=torch.float64).numpy(),
        grid.shape,
        origins.shape[1],
        starts.double().contiguous().numpy(),
        ends.double().contiguous().numpy(),
    )

    def walk(fill: bool, offsets: Tensor, total: int) -> tuple[Tensor, Tensor, Tensor]:
        index = torch.empty(total, dtype=torch.int64)
        base = torch.empty(total, dtype=torch.int32)
        span = torch.empty(total, 2, dtype=origins.dtype)
        arrays = (part.numpy() for part in (offsets, index, base, span))
        run_over_rays(voxel_kernels.walk_voxels, num_rays, *rays, fill, *arrays)
        return index, base, span

    offsets = torch.zeros(num_rays + 1, dtype=torch.int64)
    walk(False, offsets, 0)
    offsets = offsets.cumsum(0)
    return offsets, *walk(True, offsets, int(offsets[-1])), None
