"""Sparse depth maps from LiDAR. N cameras, P points, H x W size of the network input."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from .points_loading import require_frame


def project_ego_points(
    xyz: np.ndarray, cam2img: np.ndarray, cam2ego: np.ndarray, img_aug_matrix: np.ndarray, bda_mat: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Project points of the augmented ego frame into one camera.

    Args:
        xyz (np.ndarray): Points in metres. Shape (P, 3).
        cam2img (np.ndarray): Intrinsics of the raw image. Shape (3, 3).
        cam2ego (np.ndarray): Camera to key ego. Shape (4, 4).
        img_aug_matrix (np.ndarray): Raw pixel to network pixel. Shape (3, 3).
        bda_mat (np.ndarray): Key ego to augmented ego. Shape (4, 4).

    Returns:
        tuple[np.ndarray, np.ndarray, np.ndarray]: Network pixels (P, 2), raw pixels (P, 2), z-depth in metres (P,).
        Pixels of points behind the camera mean nothing.
    """
    ego2cam = np.linalg.inv(np.asarray(bda_mat, np.float64) @ np.asarray(cam2ego, np.float64))
    cam = xyz @ ego2cam[:3, :3].T + ego2cam[:3, 3]
    depth = cam[:, 2]
    raw = cam @ np.asarray(cam2img, np.float64).T
    raw = raw[:, :2] / np.where(np.abs(depth) > 1e-6, depth, 1e-6)[:, None]
    return raw @ img_aug_matrix[:2, :2].T + img_aug_matrix[:2, 2], raw, depth


@TRANSFORMS.register_module()
class LiDARDepthMap(BaseTransform):
    """Project LiDAR points into every view at the size of the network input; the nearest point wins.

    Required keys: ``points`` in the (augmented) ego frame, ``cam2img``, ``cam2ego``, ``img_aug_matrix``, ``bda_mat``,
    ``ori_shape``, ``img_shape``. Added keys: ``gt_depth`` (N, H, W) float32, z-depth in metres, 0 = no point.

    Args:
        min_depth (float): Nearest depth that counts, in metres. Defaults to 1.0.
        max_depth (float): Farthest depth that counts, in metres. Defaults to 80.0.
        max_lag (float): Points of older sweeps are left out, because agents move. Defaults to 0.0 s.
        keep_points (bool): Whether the points stay for later transforms and the model. Defaults to True.
    """

    def __init__(
        self, min_depth: float = 1.0, max_depth: float = 80.0, max_lag: float = 0.0, keep_points: bool = True
    ) -> None:
        self.min_depth = min_depth
        self.max_depth = max_depth
        self.max_lag = max_lag
        self.keep_points = keep_points

    def _depth_map(self, xyz: np.ndarray, results: dict, view: int) -> np.ndarray:
        bda_mat, cam2ego = results['bda_mat'], np.asarray(results['cam2ego'][view], np.float64)
        # Most points are behind the camera or too far; one coordinate tells, so only the others are projected.
        to_depth = np.linalg.inv(np.asarray(bda_mat, np.float64) @ cam2ego)[2]
        ahead = xyz @ to_depth[:3] + to_depth[3]
        xyz = xyz[(ahead > 0.5 * self.min_depth) & (ahead < 2 * self.max_depth)]
        pixels, raw, depth = project_ego_points(
            xyz, results['cam2img'][view], cam2ego, results['img_aug_matrix'][view], bda_mat
        )
        (raw_h, raw_w), (height, width) = results['ori_shape'], results['img_shape']
        keep = (depth >= self.min_depth) & (depth < self.max_depth)
        # A padded border of the network input shows nothing, so the point must be on the raw image as well.
        keep &= ((raw >= -0.5) & (raw < (raw_w - 0.5, raw_h - 0.5))).all(axis=1)
        keep &= ((pixels >= -0.5) & (pixels < (width - 0.5, height - 0.5))).all(axis=1)
        cols, rows = np.floor(pixels[keep] + 0.5).astype(np.int64).T
        nearest = np.full((height, width), np.inf, np.float32)
        np.minimum.at(nearest, (rows, cols), depth[keep].astype(np.float32))
        return np.where(np.isinf(nearest), np.float32(0), nearest)

    def transform(self, results: dict) -> dict:
        """Make one map per view."""
        require_frame(results, 'ego', 'LiDARDepthMap')
        points = results['points']
        xyz = points[points[:, 4] <= self.max_lag, :3].astype(np.float64)
        views = range(len(results['cam2img']))
        results['gt_depth'] = np.stack([self._depth_map(xyz, results, view) for view in views])
        if not self.keep_points:
            del results['points']
        return results
