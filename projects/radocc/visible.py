"""Which voxels the cameras see, by where the teacher's rays end: elsewhere nobody taught the teacher anything.

Shape letters: B batch, R rays, S bins per ray, X/Y/Z voxels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.compute.asynchronous import constant
from projects.rendering import VoxelGrid

from .rays import bin_middles


def voxels_on_rays(
    weights: Tensor, t_mids: Tensor, rays_o: Tensor, rays_d: Tensor, grid: VoxelGrid, min_transmittance: float
) -> Tensor:
    """Voxels at the middle of those bins that enough of a ray reaches.

    Args:
        weights (Tensor): Ray termination weights. Shape (B, R, S).
        t_mids (Tensor): Middle of each bin in metres of z-depth, broadcastable to the weights.
        rays_o (Tensor): Shape (B, R, 3).
        rays_d (Tensor): Shape (B, R, 3), z-depth 1.
        grid (VoxelGrid): Grid of the result.
        min_transmittance (float): Smallest part of a ray that must be left at the start of a bin.

    Returns:
        Tensor: Shape (B, X, Y, Z), bool.
    """
    left = 1 - (weights.cumsum(dim=-1) - weights)
    points = rays_o[..., None, :] + rays_d[..., None, :] * t_mids[..., None]
    voxel = (grid.world_to_voxel(points) + 0.5).floor().long()
    inside = ((voxel >= 0) & (voxel < constant(grid.shape, voxel))).all(dim=-1)
    X, Y, Z = grid.shape
    place = (voxel * constant([Y * Z, Z, 1], voxel)).sum(dim=-1)
    # What is not reached is marked behind the last voxel: to choose the others would make the host wait for a GPU.
    place = torch.where((left >= min_transmittance) & inside, place, constant([X * Y * Z], place)).flatten(1)
    mask = torch.zeros(len(weights), X * Y * Z + 1, dtype=torch.bool, device=weights.device)
    return mask.scatter_(1, place, True)[:, :-1].unflatten(1, grid.shape)


@MODELS.register_module()
class VisibleVoxels(nn.Module):
    """Connector that marks the voxels that the rays of a step see in the teacher's field.

    A loss of voxels that is taken there alone asks of the student what the cameras can know. Behind the first surface
    a teacher that was trained with ``mask_camera`` has learned nothing, and frames without labels have no such mask.

    Source: default of this project, not from the paper.

    Args:
        point_cloud_range (Sequence[float]): Box of the voxels, in metres.
        grid_size (Sequence[int]): X, Y, Z.
        min_transmittance (float): Part of a ray that must be left where it enters a voxel. Defaults to 0.5.
    """

    def __init__(
        self, point_cloud_range: Sequence[float], grid_size: Sequence[int], min_transmittance: float = 0.5
    ) -> None:
        super().__init__()
        if not 0 < min_transmittance <= 1:
            raise ValueError(f'min_transmittance must be above 0 and at most 1, got {min_transmittance}')
        self.grid, self.min_transmittance = VoxelGrid(point_cloud_range, grid_size), min_transmittance

    @torch.no_grad()
    def forward(self, rendered: Mapping[str, Tensor], rays: Mapping[str, Any]) -> Tensor:
        """Mark voxels.

        Args:
            rendered (Mapping[str, Tensor]): The teacher's render, with ``weights`` (B, R, S).
            rays (Mapping[str, Any]): Of :class:`CameraRaySampler` with a ``geometry``: ``rays_o``, ``rays_d`` and
                ``samples``.

        Returns:
            Tensor: Shape (B, X, Y, Z), bool.

        Raises:
            ValueError: If the rays are not prepared.
        """
        weights = rendered['weights'].detach()
        mids = bin_middles(rays, weights)
        return voxels_on_rays(weights, mids, rays['rays_o'], rays['rays_d'], self.grid, self.min_transmittance)
