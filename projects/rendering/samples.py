"""What rays read of a volume, prepared once and shared by every volume rendered along the same rays.

Shape letters: B batch, R rays per batch element, N = B*R rays, S samples per ray.
"""

from typing import Any

import torch
from torch import Tensor

from projects.compute.precision import computed_dtype, full_precision
from projects.compute.tensors import is_fake, numba_usable, triton_usable

from .grid import VoxelGrid, ray_box_intersection
from .trilinear.samples import TrilinearSamples
from .trilinear.torch import locate_with_torch
from .voxel.pieces import VoxelPieces
from .voxel.rays import VoxelRays
from .voxel.torch import cut_with_torch

FIELDS = ('trilinear', 'voxel')

#: Everything about a render that does not depend on the volume.
RaySamples = TrilinearSamples | VoxelPieces | VoxelRays


def prepare_ray_samples(
    rays_o: Tensor,
    rays_d: Tensor,
    grid: VoxelGrid,
    t_starts: Tensor,
    t_ends: Tensor,
    align_corners: bool = False,
    packed: bool | None = None,
    field: str = 'trilinear',
) -> RaySamples:
    """Find the samples inside the grid and the voxels they read.

    Args:
        rays_o (Tensor): Ray origins in the frame of the grid. Shape (B, R, 3); rays of batch ``b`` read volume ``b``.
        rays_d (Tensor): Ray directions. Shape (B, R, 3).
        grid (VoxelGrid): The grid of the volumes that will be rendered.
        t_starts (Tensor): Shape (S,), or (B*R, S) when jittered.
        t_ends (Tensor): Like ``t_starts``.
        align_corners (bool): See :meth:`VoxelGrid.world_to_voxel`. Defaults to False.
        packed (bool, optional): True keeps inside samples only (least memory and time). False keeps all, so that no
            shape depends on the data (no device synchronisation, works on fake tensors). Defaults to None: True
            unless the rays are fake tensors.
        field (str): What is rendered along the samples. 'trilinear': logits interpolated between voxel centres.
            'voxel': logits constant in each voxel; rays are cut at its faces and the bins are exact integrals. These
            are different models of the scene, which give different depths. Defaults to 'trilinear'.

    Returns:
        TrilinearSamples | VoxelPieces | VoxelRays: By the field; the last where Triton kernels walk through the
        voxels. Without gradients.

    Raises:
        ValueError: If shapes do not fit or the field is unknown.
    """
    _check(rays_o, rays_d, t_starts, t_ends, field)
    with torch.no_grad(), full_precision(rays_o):
        dtype = computed_dtype(rays_o)
        origins, directions = rays_o.detach().to(dtype), rays_d.detach().to(dtype)
        starts, ends = (t.detach().to(dtype).reshape(-1, t.shape[-1]) for t in (t_starts, t_ends))
        near, far = ray_box_intersection(origins.flatten(0, 1), directions.flatten(0, 1), grid)
        packed = not is_fake(rays_o) if packed is None else packed
        use_numba = packed and numba_usable(origins)
        bins = _bins(starts, ends, directions, grid)
        if field == 'voxel':
            # Every ray meets the first bin at a finite place, also one that misses the grid.
            enter = near.clamp(starts[:, 0], ends[:, -1])
            leave = torch.minimum(far, ends[:, -1])
            if packed and triton_usable(origins, directions):
                return VoxelRays(**bins, origins=origins, directions=directions, grid=grid, enter=enter, leave=leave)
            line = (origins, directions, grid, enter, leave)
            if use_numba:
                from .voxel.numba import cut_with_numba

                return VoxelPieces(**bins, **cut_with_numba(*line))
            return VoxelPieces(**bins, **cut_with_torch(*line, packed), packed=packed)
        points = (origins, directions, grid, 0.5 * (starts + ends), near, far, align_corners)
        if use_numba:
            from .trilinear.numba import locate_with_numba

            return TrilinearSamples(**bins, **locate_with_numba(*points))
        return TrilinearSamples(**bins, **locate_with_torch(*points, packed))


def _bins(starts: Tensor, ends: Tensor, directions: Tensor, grid: VoxelGrid) -> dict[str, Any]:
    """What samples of both fields hold."""
    return {
        't_starts': starts,
        't_ends': ends,
        'ray_lengths': torch.linalg.vector_norm(directions, dim=-1),
        'grid_shape': torch.tensor(grid.shape),
    }


def _check(rays_o: Tensor, rays_d: Tensor, t_starts: Tensor, t_ends: Tensor, field: str) -> None:
    if field not in FIELDS:
        raise ValueError(f'field must be one of {FIELDS}, got {field!r}')
    if rays_o.dim() != 3 or rays_o.shape[-1] != 3 or rays_d.shape != rays_o.shape:
        raise ValueError(f'rays_o and rays_d must be (B, R, 3), got {tuple(rays_o.shape)} and {tuple(rays_d.shape)}')
    num_rays = rays_o.shape[0] * rays_o.shape[1]
    if t_starts.shape != t_ends.shape or (t_starts.dim() == 2 and t_starts.shape[0] != num_rays):
        raise ValueError(
            f't_starts and t_ends must be (S,) or ({num_rays}, S), got {tuple(t_starts.shape)}, {tuple(t_ends.shape)}'
        )
