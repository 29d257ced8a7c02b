"""Voxel-exact traversal of rays.

Amanatides and Woo, "A fast voxel traversal algorithm for ray tracing", 1987. Shape letters: R rays, X/Y/Z voxels.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from projects.compute.asynchronous import constant
from projects.compute.tensors import numba_usable
from projects.compute.threads import run_over_range

from .grid import VoxelGrid, ray_box_intersection


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
    not count. Computed in float64; numba runs it on the CPU, pure torch elsewhere.

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
        _walk(occupied, rays_o, rays_d, grid, t_min, t_max, cells, t_entry, t_exit)
    return FirstHits(cells[:, 0] >= 0, cells, t_entry, t_exit)


def _walk(
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
    """All rays in step, one voxel at a time; fills the last three arguments."""
    lower, size = constant(grid.lower, rays_o), constant(grid.voxel_size, rays_o)
    counts = constant(grid.shape, rays_o, torch.int64)
    near, far = ray_box_intersection(rays_o, rays_d, grid)
    near, far = near.clamp_min(t_min), far.clamp_max(t_max)
    alive = (near < far).nonzero().squeeze(1)
    o, d, t, leave = rays_o[alive], rays_d[alive], near[alive], far[alive]
    cell = ((o + t[:, None] * d - lower) / size).floor().long().clamp_min(0).minimum(counts - 1)
    forward = d > 0
    step = torch.where(forward, 1, -1)
    moving = d != 0
    infinity = torch.full_like(d, float('inf'))
    speed = torch.where(moving, d, torch.ones_like(d))
    next_t = torch.where(moving, (lower + (cell + forward.long()) * size - o) / speed, infinity)
    delta_t = torch.where(moving, size / speed.abs(), infinity)
    while alive.numel():
        face_t, axis = next_t.min(dim=1)
        found = occupied[cell[:, 0], cell[:, 1], cell[:, 2]] & (face_t > t)
        rays = alive[found]
        cells[rays], t_entry[rays] = cell[found], t[found]
        t_exit[rays] = torch.minimum(face_t, leave)[found]
        chosen = torch.nn.functional.one_hot(axis, 3).bool()
        t = torch.maximum(t, face_t)
        cell = torch.where(chosen, cell + step, cell)
        next_t = torch.where(chosen, next_t + delta_t, next_t)
        keep = ~found & (t < leave) & ((cell >= 0) & (cell < counts)).all(dim=1)
        alive, t, leave, cell = alive[keep], t[keep], leave[keep], cell[keep]
        step, next_t, delta_t = step[keep], next_t[keep], delta_t[keep]
