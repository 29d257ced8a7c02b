"""Features of a former keyframe, moved to where the car is now.

Shape letters: B batch, C channels, X/Y/Z voxels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from projects.compute.asynchronous import constant, inverse
from projects.compute.precision import full_precision


def warp_to_key(feature: Tensor, ego2key: Tensor, point_cloud_range: Sequence[float]) -> Tensor:
    """Read a BEV or voxel feature of another ego frame at the centres of the cells of the key ego frame.

    What stood still lies in its cell of the key frame afterwards; between centres the feature is interpolated linearly,
    and it is 0 outside of the grid. A BEV feature has no heights: its points are taken to be at z = 0, and only the
    rotation and the way in the ground plane count.

    Args:
        feature (Tensor): BEV feature (B, C, Y, X) or voxel feature (B, C, X, Y, Z).
        ego2key (Tensor): From the ego frame of the feature to the key one, both with ``bda_mat``. Shape (B, 4, 4).
        point_cloud_range (Sequence[float]): x, y, z minimum, then maximum, in metres.

    Returns:
        Tensor: Of the shape and dtype of ``feature``; computed in float32.

    Raises:
        ValueError: If ``feature`` has neither four nor five dimensions.
    """
    if feature.dim() not in (4, 5):
        raise ValueError(f'feature must be (B, C, Y, X) or (B, C, X, Y, Z), got {tuple(feature.shape)}')
    bev = feature.dim() == 4
    with full_precision(feature):
        key2ego = inverse(ego2key.float())
        box = constant(point_cloud_range, key2ego)
        turn, move, low, high = key2ego[:, :3, :3], key2ego[:, :3, 3], box[:3], box[3:]
        # The axes of affine_grid run from the last dimension of the feature to the first: x, y or z, y, x.
        if bev:
            turn, move, low, high = turn[:, :2, :2], move[:, :2], low[:2], high[:2]
        else:
            turn, move, low, high = turn.flip(1, 2), move.flip(1), low.flip(0), high.flip(0)
        half, centre = (high - low) / 2, (high + low) / 2
        # In units of half the box, as grid_sample counts: p_ego = (turn @ (centre + half * p) + move - centre) / half.
        scaled = turn * half / half[:, None]
        shift = (turn @ centre + move - centre) / half
        theta = torch.cat([scaled, shift.unsqueeze(-1)], -1)
        grid = F.affine_grid(theta, list(feature.shape), align_corners=False)
        return F.grid_sample(feature.float(), grid, align_corners=False).to(feature.dtype)
