"""Rays to LiDAR returns, drawn in the pipeline. P points, R rays, N cameras, K classes."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from projects.occupancy.classes import UNLABELLED
from projects.occupancy.datasets.transforms import project_ego_points
from projects.transforms.random_draws import weighted_subset

_ORIGINS = ('lidar', 'camera')


def class_weights(counts: np.ndarray, balance: float = 0.005, max_weight: float = 100.0) -> np.ndarray:
    """Weight of a point of each class: exp(balance * (most / count - 1)), at most ``max_weight``.

    Source: weighted ray sampling of RenderOcc (arXiv:2309.09502); the limit is a default, not from the paper.

    Args:
        counts (np.ndarray): Points of each class. Shape (K,).
        balance (float): 0 draws all points alike. Defaults to 0.005.
        max_weight (float): Largest weight, also of a class without points. Defaults to 100.

    Returns:
        np.ndarray: 1 for the most frequent class. Shape (K,), float64.
    """
    ratio = counts.max(initial=1) / np.maximum(counts, 1e-9)
    return np.exp(np.minimum(balance * (ratio - 1), math.log(max_weight)))


def seen_by(xyz: np.ndarray, results: Mapping[str, Any], min_depth: float) -> np.ndarray:
    """First camera whose image, as the network sees it, has a point in it; what stands in between is not looked at.

    Args:
        xyz (np.ndarray): Points in the augmented ego frame, in metres. Shape (P, 3).
        results (Mapping[str, Any]): Of the pipeline, with the calibration, ``ori_shape`` and ``img_shape``.
        min_depth (float): Smallest z-depth in metres.

    Returns:
        np.ndarray: -1 where there is none. Shape (P,), int64.
    """
    views = np.full(len(xyz), -1)
    raw_size, size = np.array(results['ori_shape'])[::-1], np.array(results['img_shape'])[::-1]
    for view in reversed(range(len(results['cam2img']))):
        cam2img, cam2ego, img_aug = (results[key][view] for key in ('cam2img', 'cam2ego', 'img_aug_matrix'))
        pixels, raw, depth = project_ego_points(xyz, cam2img, cam2ego, img_aug, results['bda_mat'])
        inside = ((raw >= -0.5) & (raw < raw_size - 0.5) & (pixels >= -0.5) & (pixels < size - 0.5)).all(axis=1)
        views[inside & (depth >= min_depth)] = view
    return views


@TRANSFORMS.register_module()
class DrawLidarRays(BaseTransform):
    """Draw rays that end at LiDAR returns of the keyframe, rare classes more often than others.

    It comes after ``BEVAugment`` and reads the points where that left them. The draws leave the random generator as it
    was, so images and grid are augmented as without rays. Name the two keys in ``extra_labels`` of ``PackOccInputs``.

    Source: RenderOcc (arXiv:2309.09502).

    Required keys: ``points`` in the ego frame, ``bda_mat``, ``lidar2ego``, ``point_cloud_range``; with
    ``origin='camera'`` the calibration of the cameras, ``ori_shape`` and ``img_shape``. Optional key:
    ``point_classes`` (``LoadPointClasses``, ``PointClassesFromVoxels``).
    Added keys: ``lidar_rays`` (R, 7) float32 in the augmented ego frame: origin, direction of length 1, and distance to
    the return, infinite where that lies outside the grid; ``lidar_ray_classes`` (R,) uint8, 255 = unknown. R is
    ``num_rays``, or fewer where there are not as many returns.

    Args:
        num_rays (int): Rays of a sample.
        balance (float): See :func:`class_weights`; the points of the sample are counted. Defaults to 0.005.
        max_weight (float): See there. Defaults to 100.
        origin (str): 'lidar', where the ray really passed; or 'camera', the centre of the first camera that sees the
            return, without those that none sees. Defaults to 'lidar'.
        min_distance (float): Nearer returns are the ego car. Defaults to 1.0 m.
        outside (bool): Whether returns outside the grid count: the way to them through the grid is free. Defaults to
            False.
        labelled_only (bool): Whether returns of unknown class are left out where classes are known at all (noise and
            the ego car, in lidarseg). A frame without labels keeps its rays, which say where and not what. Defaults to
            True.
        keep_points (bool): Whether the points stay for the model. Defaults to False.
    """

    def __init__(
        self,
        num_rays: int,
        balance: float = 0.005,
        max_weight: float = 100.0,
        origin: str = 'lidar',
        min_distance: float = 1.0,
        outside: bool = False,
        labelled_only: bool = True,
        keep_points: bool = False,
    ) -> None:
        if num_rays < 1 or max_weight < 1:
            raise ValueError(f'num_rays and max_weight must be at least 1, got {num_rays} and {max_weight}')
        if origin not in _ORIGINS:
            raise ValueError(f'origin must be one of {_ORIGINS}, got {origin!r}')
        self.num_rays, self.balance, self.max_weight = num_rays, balance, max_weight
        self.origin, self.min_distance, self.outside = origin, min_distance, outside
        self.labelled_only, self.keep_points = labelled_only, keep_points

    def transform(self, results: dict) -> dict:
        """Draw the rays.

        Raises:
            ValueError: If the points are in another frame, or have classes of other points.
        """
        if results.get('points_frame') != 'ego':
            raise ValueError(f'DrawLidarRays needs points in the ego frame, got {results.get("points_frame")!r}')
        points = results['points']
        classes = results.get('point_classes')
        if classes is not None and len(classes) != len(points):
            raise ValueError(f'{len(classes)} classes for {len(points)} points of sample {results.get("token")}')
        xyz = points[:, :3].astype(np.float64)
        origins, usable = self._origins(xyz, results)
        low, high = np.reshape(results['point_cloud_range'], (2, 3))
        inside = ((xyz >= low) & (xyz < high)).all(axis=1)
        distances = np.linalg.norm(xyz - origins, axis=1)
        usable &= (points[:, 4] <= 0) & (distances >= self.min_distance) & (inside | self.outside)
        chosen, labels = self._choose(usable, classes)
        ways = (xyz[chosen] - origins[chosen]) / distances[chosen, None]
        ends = np.where(inside, distances, np.inf)[chosen, None]
        results['lidar_rays'] = np.hstack([origins[chosen], ways, ends]).astype(np.float32)
        results['lidar_ray_classes'] = labels[chosen]
        if not self.keep_points:
            del results['points']
        return results

    def _origins(self, xyz: np.ndarray, results: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Where the ray to each point starts (P, 3), and whether there is one (P,)."""
        bda_mat = np.asarray(results['bda_mat'], np.float64)
        if self.origin == 'lidar':
            place = (bda_mat @ np.asarray(results['lidar2ego'], np.float64))[:3, 3]
            return np.broadcast_to(place, xyz.shape), np.ones(len(xyz), bool)
        places = (bda_mat @ np.asarray(results['cam2ego'], np.float64))[:, :3, 3]
        views = seen_by(xyz, results, self.min_distance)
        return places[views], views >= 0

    def _choose(self, usable: np.ndarray, classes: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Points that are drawn (R,), and the classes of all (P,)."""
        if classes is None or (classes == UNLABELLED).all():
            return weighted_subset(usable.astype(float), self.num_rays), np.full(len(usable), UNLABELLED, np.uint8)
        known = classes != UNLABELLED
        if self.labelled_only:
            usable = usable & known
        weights = class_weights(np.bincount(classes[usable & known], minlength=256), self.balance, self.max_weight)
        weights[UNLABELLED] = 1.0
        return weighted_subset(weights[classes] * usable, self.num_rays), classes
