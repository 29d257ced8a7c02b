"""Six cameras as on a nuScenes car, for benchmarks without data."""

import torch
from torch import Tensor

from projects.occ_eval.classes import OCC3D

YAWS = (55.0, 0.0, -55.0, 110.0, 180.0, -110.0)
LOWER, UPPER = OCC3D.point_cloud_range[:3], OCC3D.point_cloud_range[3:]


def surround_calibration(width: int, height: int, focal: float, horizon: float) -> dict[str, Tensor]:
    """Calibration of one sample with network pixels as raw pixels.

    The cameras are slightly pitched and turned, so that no plane of points lies on the borders of voxels.

    Args:
        width (int): Image width in pixels.
        height (int): Image height in pixels.
        focal (float): Focal length in pixels.
        horizon (float): Row of the horizon of a level camera, as a share of the height.
    """
    cam2img = torch.tensor([[focal, 0, width / 2 - 0.5], [0, focal, horizon * height - 0.5], [0, 0, 1]])
    optical = torch.tensor([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    cam2ego = torch.eye(4).repeat(1, 6, 1, 1)
    for i, degrees in enumerate(YAWS):
        yaw, pitch = torch.deg2rad(torch.tensor([degrees + 0.37, 0.5 + 0.1 * i]))
        turn = torch.tensor([[yaw.cos(), -yaw.sin(), 0], [yaw.sin(), yaw.cos(), 0], [0, 0, 1]])
        tilt = torch.tensor([[pitch.cos(), 0, pitch.sin()], [0, 1, 0], [-pitch.sin(), 0, pitch.cos()]])
        cam2ego[0, i, :3, :3] = turn @ tilt @ optical
        cam2ego[0, i, :3, 3] = torch.tensor([0.9 + 0.07 * i, 0.05 * i, 1.53])
    return {
        'cam2img': cam2img.repeat(1, 6, 1, 1),
        'cam2ego': cam2ego,
        'img_aug_matrix': torch.eye(3).repeat(1, 6, 1, 1),
        'bda_mat': torch.eye(4)[None],
    }
