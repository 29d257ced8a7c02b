"""How far a teacher can be trusted, ray by ray: by the label where there is one, by its confidence elsewhere.

Shape letters: B batch, R rays, S bins per ray, X/Y/Z voxels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.occupancy.classes import UNLABELLED
from projects.rendering import VoxelGrid, find_first_hits

from .rays import bin_middles


def mass_near_ends(weights: Tensor, t_mids: Tensor, ends: Tensor, tolerance: float) -> Tensor:
    """Probability that a ray ends within ``tolerance`` of a place.

    Args:
        weights (Tensor): Ray termination weights. Shape (B, R, S).
        t_mids (Tensor): Middle of each bin in metres of z-depth, broadcastable to the weights.
        ends (Tensor): z-depth in metres; infinite for a ray that hits nothing. Shape (B, R).
        tolerance (float): Metres.

    Returns:
        Tensor: Shape (B, R), from 0 to 1; where ``ends`` is infinite, the probability of hitting nothing.
    """
    near = (t_mids - ends[..., None]).abs() <= tolerance
    mass = torch.where(near, weights, torch.zeros_like(weights)).sum(dim=-1)
    return torch.where(ends.isinf(), 1 - weights.sum(dim=-1), mass).clamp(0, 1)


def ray_confidence(weights: Tensor, bins: int) -> Tensor:
    """Largest probability that ``2 * bins + 1`` bins in a row have, or that of hitting nothing. Shape (B, R)."""
    window = 2 * bins + 1
    rows = F.avg_pool1d(weights.flatten(0, 1)[:, None], window, stride=1, padding=bins) * window
    return torch.maximum(rows.amax(dim=(1, 2)).view(weights.shape[:2]), 1 - weights.sum(dim=-1)).clamp(0, 1)


def label_ends(
    labels: Tensor, free_class: int, rays_o: Tensor, rays_d: Tensor, grid: VoxelGrid, t_max: float
) -> tuple[Tensor, Tensor]:
    """Where rays meet the first voxel that is not free in the label.

    Args:
        labels (Tensor): Class ids, 255 where there is none. Shape (B, X, Y, Z).
        free_class (int): Id of free space.
        rays_o (Tensor): Shape (B, R, 3).
        rays_d (Tensor): Shape (B, R, 3), z-depth 1.
        grid (VoxelGrid): Grid of the labels.
        t_max (float): z-depth in metres behind which nothing is hit.

    Returns:
        tuple[Tensor, Tensor]: Middle of the path through that voxel in metres of z-depth, infinite where nothing is hit
        (B, R), float32; and whether the label knows it, False where the voxel is not labelled (B, R), bool.
    """
    ends, known = [], []
    for label, origins, directions in zip(labels, rays_o, rays_d):
        hits = find_first_hits(label != free_class, origins, directions, grid, t_max=t_max)
        x, y, z = hits.voxel.clamp_min(0).unbind(-1)
        known.append(~hits.hit | (label[x, y, z] != UNLABELLED))
        middle = 0.5 * (hits.t_entry + hits.t_exit)
        ends.append(torch.where(hits.hit, middle, hits.t_entry).float())
    return torch.stack(ends), torch.stack(known)


@MODELS.register_module()
class RayTrust(nn.Module):
    """Connector that says how far the teacher's end of each ray can be trusted, for ``trust`` of the ray losses.

    Where the label says where a ray ends, trust is the teacher's probability of ending within ``tolerance`` of that
    (how right it is). Where the first voxel in the way is not labelled, or no voxel is, it is the largest probability
    that the teacher gives to any such stretch (how sure it is).

    Source: default of this project, not from the paper.

    Args:
        point_cloud_range (Sequence[float]): Box of the labels, in metres.
        grid_size (Sequence[int]): X, Y, Z.
        tolerance (float): Metres of z-depth. Defaults to 0.8, two voxels.
    """

    def __init__(self, point_cloud_range: Sequence[float], grid_size: Sequence[int], tolerance: float = 0.8) -> None:
        super().__init__()
        if tolerance <= 0:
            raise ValueError(f'tolerance must be positive, got {tolerance}')
        self.grid, self.tolerance = VoxelGrid(point_cloud_range, grid_size), tolerance

    @torch.no_grad()
    def forward(self, rendered: Mapping[str, Tensor], rays: Mapping[str, Any], labels: Tensor | None = None) -> Tensor:
        """Return the trust in each ray.

        Args:
            rendered (Mapping[str, Tensor]): The teacher's render, with ``weights`` (B, R, S) and ``semantics``
                (B, R, K - 1), of which free is class K - 1.
            rays (Mapping[str, Any]): Of :class:`CameraRaySampler` with a ``geometry``: ``rays_o``, ``rays_d`` and
                ``samples``.
            labels (Tensor, optional): Class ids, 255 where there is none. Shape (B, X, Y, Z). Defaults to None.

        Returns:
            Tensor: Shape (B, R), from 0 to 1, without gradient.

        Raises:
            ValueError: If the rays are not prepared.
        """
        weights = rendered['weights'].detach()
        mids = bin_middles(rays, weights)
        starts, stops = rays['samples'].t_starts, rays['samples'].t_ends
        step, last = torch.stack([(stops - starts).mean(), stops.max()]).tolist()
        sure = ray_confidence(weights, round(self.tolerance / step))
        if labels is None:
            return sure
        free = rendered['semantics'].shape[-1]
        ends, known = label_ends(labels, free, rays['rays_o'], rays['rays_d'], self.grid, last)
        return torch.where(known, mass_near_ends(weights, mids, ends.to(weights.dtype), self.tolerance), sure)
