"""What is known of rays, in a batch. B batch, R rays per sample."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from projects.occupancy.classes import UNLABELLED


@dataclass(frozen=True)
class RayTargets:
    """Rays and where they end.

    Args:
        rays_o (Tensor): Origins in the augmented ego frame, in metres. Shape (B, R, 3).
        rays_d (Tensor): Directions of length 1, so the ray parameter is distance in metres. Shape (B, R, 3).
        ends (Tensor): Distance to the return, infinite where none is in the grid. Shape (B, R).
        classes (Tensor): Class of the return, 255 = unknown. Shape (B, R), int64.
        valid (Tensor): False where a sample has fewer rays than others. Shape (B, R), bool.
    """

    rays_o: Tensor
    rays_d: Tensor
    ends: Tensor
    classes: Tensor
    valid: Tensor


def stack_targets(data_samples: Sequence) -> RayTargets:
    """Rays of a batch, filled up to the most that a sample has, and at least one.

    Args:
        data_samples (Sequence[OccDataSample]): With ``lidar_rays`` (R, 7) and ``lidar_ray_classes`` (R,).

    Raises:
        ValueError: If a sample has no rays.
    """
    for sample in data_samples:
        if 'lidar_rays' not in sample or 'lidar_ray_classes' not in sample:
            raise ValueError(
                f'sample {sample.metainfo.get("token")} has no rays: put DrawLidarRays behind BEVAugment in the train '
                "pipeline, and set extra_labels=['lidar_rays', 'lidar_ray_classes'] of PackOccInputs"
            )
    first, longest = data_samples[0].lidar_rays, max(1, *(len(sample.lidar_rays) for sample in data_samples))
    # The rays that fill up have a direction, so that they can be rendered.
    rays = first.new_ones(len(data_samples), longest, 7)
    classes = torch.full(rays.shape[:2], UNLABELLED, dtype=torch.int64, device=rays.device)
    valid = torch.zeros(rays.shape[:2], dtype=torch.bool, device=rays.device)
    for row, sample in enumerate(data_samples):
        count = len(sample.lidar_rays)
        rays[row, :count], classes[row, :count] = sample.lidar_rays, sample.lidar_ray_classes.long()
        valid[row, :count] = True
    return RayTargets(rays[..., :3], rays[..., 3:6], rays[..., 6], classes, valid)
