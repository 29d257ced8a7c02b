"""Transforms of LiDAR points. P points of (x, y, z, intensity, time lag)."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from projects.transforms.extra_keys import checked_keys
from projects.transforms.random_draws import coin

from .points_loading import require_frame


@TRANSFORMS.register_module()
class PointsToEgo(BaseTransform):
    """Move points from the LiDAR frame to the key ego frame.

    Required keys: ``points`` in the LiDAR frame, ``lidar2ego`` (4, 4). Modified keys: ``points``, ``points_frame``.
    """

    def transform(self, results: dict) -> dict:
        """Apply ``lidar2ego``."""
        require_frame(results, 'lidar', 'PointsToEgo')
        points, lidar2ego = results['points'].copy(), np.asarray(results['lidar2ego'])
        points[:, :3] = points[:, :3] @ lidar2ego[:3, :3].T + lidar2ego[:3, 3]
        results['points'] = points
        results['points_frame'] = 'ego'
        return results


@TRANSFORMS.register_module()
class EgoPointsRangeFilter(BaseTransform):
    """Keep the points inside a box of the (augmented) ego frame.

    Required keys: ``points`` and, without an argument, ``point_cloud_range`` of the data set. Modified keys:
    ``points``, and ``point_classes`` where they are there.

    Args:
        point_cloud_range (tuple[float, ...] | None): x, y, z minimum (included), then maximum (excluded), in metres.
            Defaults to None: that of the data set.
    """

    def __init__(self, point_cloud_range: tuple[float, ...] | None = None) -> None:
        self.point_cloud_range = point_cloud_range

    def transform(self, results: dict) -> dict:
        """Drop points outside."""
        require_frame(results, 'ego', 'EgoPointsRangeFilter')
        xyz = results['points'][:, :3]
        box = results['point_cloud_range'] if self.point_cloud_range is None else self.point_cloud_range
        low, high = np.asarray(box, np.float32).reshape(2, 3)
        inside = (xyz >= low) & (xyz < high)
        kept = inside.all(axis=1)
        results['points'] = results['points'][kept]
        if 'point_classes' in results:
            results['point_classes'] = results['point_classes'][kept]
        return results


@TRANSFORMS.register_module()
class BEVAugment(BaseTransform):
    """Mirror the ego frame along x and y: matrix, points, label and masks.

    Images stay as they are; ``bda_mat`` carries the change to everything that projects. Mirroring the label is exact
    because the grid is symmetric in x and y.

    Required keys: ``bda_mat`` (4, 4). Modified keys: ``bda_mat`` and, when present, ``points``, ``gt_occ``,
    ``mask_camera``, ``mask_lidar`` ((X, Y, Z) each). The symmetry of
    ``point_cloud_range`` of the data set is checked where it is there.

    Args:
        flip_x_prob (float): Share of samples with x mirrored. Defaults to 0.5.
        flip_y_prob (float): Share of samples with y mirrored. Defaults to 0.5.
        extra_grids (Sequence[str]): Further keys of arrays (X, Y, ...) whose cells are mirrored when they are there;
            values with a direction, such as velocities, need a transform of your own. Defaults to ().
    """

    GRID_KEYS = ('gt_occ', 'mask_camera', 'mask_lidar')

    def __init__(self, flip_x_prob: float = 0.5, flip_y_prob: float = 0.5, extra_grids: Sequence[str] = ()) -> None:
        self.flip_probs = (flip_x_prob, flip_y_prob)
        self.grids = (*self.GRID_KEYS, *checked_keys(extra_grids, 'extra_grids of BEVAugment', self.GRID_KEYS))

    def transform(self, results: dict) -> dict:
        """Draw the two flips and apply them.

        Raises:
            ValueError: If the grid of the data set is not symmetric along an axis that may be mirrored.
        """
        signs = np.array([-1.0 if coin(prob) else 1.0 for prob in self.flip_probs])
        _check_symmetry(results.get('point_cloud_range'), self.flip_probs)
        results['bda_mat'] = np.diag([*signs, 1.0, 1.0]) @ results['bda_mat']
        if 'points' in results:
            require_frame(results, 'ego', 'BEVAugment')
            points = results['points'].copy()
            points[:, :2] *= signs.astype(np.float32)
            results['points'] = points
        axes = tuple(axis for axis in (0, 1) if signs[axis] < 0)
        for key in self.grids:
            if key in results:
                results[key] = np.ascontiguousarray(np.flip(results[key], axes))
        return results


def _check_symmetry(box: Sequence[float] | None, flip_probs: tuple[float, float]) -> None:
    """Refuse to mirror a box (x, y, z minimum, then maximum) whose voxels would then lie elsewhere."""
    for axis, prob in enumerate(flip_probs if box is not None else ()):
        if prob > 0 and abs(box[axis] + box[axis + 3]) > 1e-6:
            name = 'xy'[axis]
            raise ValueError(
                f'BEVAugment mirrors {name}, and the grid of the data set reaches from {box[axis]} to {box[axis + 3]} '
                f'm there, so labels would not lie where points do; set flip_{name}_prob=0 or take a symmetric box'
            )
