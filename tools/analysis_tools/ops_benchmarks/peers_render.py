"""The peers' algorithm of volume rendering, written down again from its source for comparison.

It does the same steps in the same order as its source, so that it costs what the source costs; a test holds the result
against slow code.

Shape letters: R rays, S samples per ray, X/Y/Z voxels, K classes of which the last one is free space.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class PeerRender(NamedTuple):
    """Weights (R, S), depths (R,) and semantics (R, K - 1)."""

    weights: Tensor
    depths: Tensor
    semantics: Tensor


def look_up_everything(
    logits: Tensor, rays_o: Tensor, rays_d: Tensor, edges: Tensor, lower: Tensor, upper: Tensor
) -> PeerRender:
    """Trilinear lookup of density and all classes at every sample, then the product of transmittances.

    Source: ``NerfHead.render_one_scene`` of RenderOcc,
    https://github.com/pmj110119/RenderOcc/blob/d37864b/mmdet3d/models/nerf/nerf_head.py
    The source drops samples of small alpha and weight after both lookups, for CUDA kernels that sum ragged rays;
    without those kernels the product runs over all samples. Density, voxel centres and ray parameter are ours, so that
    the results can be compared: softplus of the negated free logit, centres at half cells, z-depth.

    Args:
        logits (Tensor): Shape (X, Y, Z, K).
        rays_o (Tensor): Shape (R, 3).
        rays_d (Tensor): Shape (R, 3).
        edges (Tensor): Edges of the samples. Shape (S + 1,).
        lower (Tensor): Corner of the grid in metres. Shape (3,).
        upper (Tensor): Opposite corner. Shape (3,).
    """
    middle = 0.5 * (edges[1:] + edges[:-1])
    points = rays_o[:, None] + middle[:, None] * rays_d[:, None]
    inside = ((points >= lower) & (points < upper)).all(-1)
    place = ((points - lower) / (upper - lower)).flip(-1) * 2 - 1
    place = place.reshape(1, 1, 1, -1, 3)
    options = {'mode': 'bilinear', 'padding_mode': 'border', 'align_corners': False}
    density = F.grid_sample(logits[None, None, ..., -1], place, **options).reshape(points.shape[:2])
    classes = logits[..., :-1].permute(3, 0, 1, 2)[None]
    semantic = F.grid_sample(classes, place, **options)
    semantic = semantic.reshape(classes.shape[1], -1).T.reshape(*points.shape[:2], -1)
    sigma = F.softplus(-density) * inside * rays_d.norm(dim=-1, keepdim=True)
    alpha = 1 - torch.exp(-sigma * edges.diff())
    trans = torch.cumprod(torch.cat([torch.ones_like(alpha[:, :1]), 1 - alpha + 1e-10], dim=1), dim=1)
    weights = alpha * trans[:, :-1]
    return PeerRender(weights, (weights * middle).sum(1), (weights[..., None] * semantic).sum(1))
