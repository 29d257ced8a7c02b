"""Voxel-exact traversal of rays.

Amanatides and Woo, "A fast voxel traversal algorithm for ray tracing", 1987. Shape letters: R rays, X/Y/Z voxels.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from projects.compute.tensors import numba_usable
from projects.compute.threads import run_over_range

from .grid import VoxelGrid, ray_box_intersection
from .voxel.torch import cut_with_torch

_RAYS = 1 << 14
"""Rays that are cut at a time: each has a piece for every face of the grid, hundreds of bytes."""


class FirstHits(NamedTuple):
    """First occupied voxel on each ray.

    Attributes:
        hit (Tensor): Whether the ray meets an occupied voxel. Shape (R,), bool.
        voxel (Tensor): (x, y, z) of that voxel, -1 without a hit. Shape (R, 3), int64.
        t_entry (Tensor): Ray parameter at which the ray enters it, infinite without a hit. Shape (R,), float64.
        t_exit (Tensor): Ray parameter at which the ray leaves it, infinite without a hit. Shape (R,), float64.
    """

    hit: Tensor
    voxel: Tensor
    t_entry: Tensor
    t_exit: Tensor


def find_first_hits(
    occupied: Tensor, rays_o: Tensor, rays_d: Tensor, grid: VoxelGrid, t_min: float = 0.0, t_max: float = float('inf')
) -> FirstHits:
    """Walk every ray from voxel to voxel until an occupied one.

    A ray that starts in an occupied voxel hits it at ``t_min``. Voxels that are only touched (path of length zero) do
    not count. Computed in float64; numba walks on the CPU. Elsewhere torch cuts the rays at all faces: a walk of all
    rays in step would make the host wait for a GPU at each voxel.

    Args:
        occupied (Tensor): Shape (X, Y, Z), bool.
        rays_o (Tensor): Origins in the frame of the grid, in metres. Shape (R, 3).
        rays_d (Tensor): Directions of any length. Shape (R, 3).
        grid (VoxelGrid): Where the voxels are.
        t_min (float): Nearest ray parameter that counts. Defaults to 0.
        t_max (float): Farthest ray parameter at which a voxel may be entered. Defaults to infinity.

    Returns:
        FirstHits: See there. Not differentiable.

    Raises:
        ValueError: If shapes do not fit.
    """
    if tuple(occupied.shape) != grid.shape or occupied.dtype != torch.bool:
        raise ValueError(f'occupied must be {grid.shape} bool, got {tuple(occupied.shape)} {occupied.dtype}')
    if rays_o.dim() != 2 or rays_o.shape[-1] != 3 or rays_d.shape != rays_o.shape:
        raise ValueError(f'rays_o and rays_d must be (R, 3), got {tuple(rays_o.shape)} and {tuple(rays_d.shape)}')
    rays_o, rays_d = rays_o.detach().double().contiguous(), rays_d.detach().double().contiguous()
    cells = torch.full((rays_o.shape[0], 3), -1, dtype=torch.int64, device=rays_o.device)
    t_entry = torch.full((rays_o.shape[0],), float('inf'), dtype=torch.float64, device=rays_o.device)
    t_exit = t_entry.clone()
    if numba_usable(rays_o):
        from .voxel import numba_walk

        run_over_range(
            numba_walk.first_hits,
            rays_o.shape[0],
            occupied.contiguous().numpy(),
            rays_o.numpy(),
            rays_d.numpy(),
            rays_o.new_tensor(grid.lower).numpy(),
            rays_o.new_tensor(grid.voxel_size).numpy(),
            float(t_min),
            float(t_max),
            cells.numpy(),
            t_entry.numpy(),
            t_exit.numpy(),
        )
    else:
        for first in range(0, len(rays_o), _RAYS):
            part = slice(first, first + _RAYS)
            _cut(occupied, rays_o[part], rays_d[part], grid, t_min, t_max, cells[part], t_entry[part], t_exit[part])
    return FirstHits(cells[:, 0] >= 0, cells, t_entry, t_exit)


def _cut(
    occupied: Tensor,
    rays_o: Tensor,
    rays_d: Tensor,
    grid: VoxelGrid,
    t_min: float,
    t_max: float,
    cells: Tensor,
    t_entry: Tensor,
    t_exit: Tensor,
) -> None:
    """The first piece of each ray that lies in an occupied voxel; fills the last three arguments."""
    near, far = ray_box_intersection(rays_o, rays_d, grid)
    near, far = near.clamp_min(t_min), far.clamp_max(t_max)
    meets = near < far
    near, far = (torch.where(meets, t, t_min) for t in (near, far))
    pieces = cut_with_torch(rays_o[None], rays_d[None], grid, near, far, packed=False)
    voxel = pieces['piece_voxel'].view(len(rays_o), -1).long()
    starts, ends = pieces['piece_span'].view(*voxel.shape, 2).unbind(-1)
    found = occupied.flatten()[voxel] & (ends > starts)
    first, hit = found.byte().argmax(dim=1, keepdim=True), found.any(dim=1)
    Y, Z = grid.shape[1:]
    row = voxel.gather(1, first)
    place = torch.cat([row // (Y * Z), row // Z % Y, row % Z], dim=1)
    cells.copy_(torch.where(hit[:, None], place, cells))
    for target, edges in ((t_entry, starts), (t_exit, ends)):
        target.copy_(torch.where(hit, edges.gather(1, first).squeeze(1), target))
