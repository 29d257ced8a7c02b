"""Rays to LiDAR returns of the keyframes around a sample, drawn in the pipeline. P points, R rays, N cameras."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS
from mmengine.dataset import Compose

from projects.occupancy.classes import UNLABELLED

from .draw import DrawLidarRays

MOVING = (0, 2, 3, 4, 5, 6, 7, 9, 10)
"""Others, and all that drives, rides or walks. RenderOcc's list has barriers too, and neither bicycles nor motorcycles
(as its code has it)."""


@TRANSFORMS.register_module()
class AddNeighbourRays(BaseTransform):
    """Add rays to what the LiDAR of the keyframes before and after the sample met, in the frame of the sample.

    A neighbour sees the scene from another place, so its rays end where no ray of the sample does. The way between the
    frames is that of the ego poses. Returns of classes that can move are left out, parked cars too: they may be
    elsewhere by now. So are those of unknown class, and with them all of a frame without labels. That something stands
    in the way of a ray now is not looked at.

    It comes after ``DrawLidarRays``. The random generator goes on as it was.

    Source: auxiliary rays of RenderOcc (arXiv:2309.09502), which draws those of a neighbour at 0.3 of the weight of the
    sample's: let ``num_rays`` be 0.3 of its rays.

    Required keys: ``neighbours`` (``neighbours`` of the data set), ``lidar_rays``, ``lidar_ray_classes``, ``bda_mat``;
    with ``origin='camera'`` also ``ori_shape``. Modified keys: ``lidar_rays`` and ``lidar_ray_classes``, with the rays
    of the sample first. Removed key: ``neighbours``.

    Args:
        num_rays (int): Rays of each neighbour.
        transforms (list): Transforms that load the points of a frame, with their classes, in its ego frame.
        moving (Sequence[int]): Classes whose returns are left out. Defaults to :data:`MOVING`.
        balance (float): See :class:`DrawLidarRays`. Defaults to 0.005.
        max_weight (float): See there. Defaults to 100.
        origin (str): 'lidar' or 'camera', see there; a camera is that of the neighbour, with the whole of its image.
            Defaults to 'lidar'.
        min_distance (float): See there. Defaults to 1.0 m.
        outside (bool): See there. Defaults to False.
    """

    def __init__(
        self,
        num_rays: int,
        transforms: list,
        moving: Sequence[int] = MOVING,
        balance: float = 0.005,
        max_weight: float = 100.0,
        origin: str = 'lidar',
        min_distance: float = 1.0,
        outside: bool = False,
    ) -> None:
        self.load = Compose(transforms)
        self.moving = tuple(moving)
        self.draw = DrawLidarRays(num_rays, balance, max_weight, origin, min_distance, outside)

    def transform(self, results: dict) -> dict:
        """Load the neighbours and draw their rays.

        Raises:
            ValueError: If there are no neighbours or no rays of the sample, or points of a neighbour have no classes.
        """
        if 'neighbours' not in results or 'lidar_rays' not in results:
            raise ValueError(
                f'sample {results.get("token")} has no neighbours or no rays of its own; set neighbours of the data '
                'set to a number of keyframes and put AddNeighbourRays behind DrawLidarRays'
            )
        drawn = [results, *(self._draw(frame, results) for frame in results.pop('neighbours'))]
        for key in ('lidar_rays', 'lidar_ray_classes'):
            results[key] = np.concatenate([each[key] for each in drawn])
        return results

    def _draw(self, frame: dict, results: dict) -> dict:
        """The rays of one neighbour in the augmented ego frame of the sample."""
        frame = self.load(dict(frame))
        if frame.get('points_frame') != 'ego' or frame.get('point_classes') is None:
            raise ValueError(
                f'points of neighbour {frame.get("token")} must be in its ego frame and have classes; transforms of '
                'AddNeighbourRays are LoadLidarPoints, LoadPointClasses and PointsToEgo'
            )
        # What leads from the frame of the neighbour to that of the sample takes the place of the augmentation.
        frame['bda_mat'] = np.asarray(results['bda_mat'], np.float64) @ frame['ego2key']
        points = frame['points'].copy()
        points[:, :3] = points[:, :3].astype(np.float64) @ frame['bda_mat'][:3, :3].T + frame['bda_mat'][:3, 3]
        frame['points'] = points
        classes = frame['point_classes']
        frame['point_classes'] = np.where(np.isin(classes, self.moving), np.uint8(UNLABELLED), classes)
        if (frame['point_classes'] == UNLABELLED).all():
            return {'lidar_rays': np.zeros((0, 7), np.float32), 'lidar_ray_classes': np.zeros(0, np.uint8)}
        if self.draw.origin == 'camera':
            frame['ori_shape'] = frame['img_shape'] = results['ori_shape']
            frame['img_aug_matrix'] = np.broadcast_to(np.eye(3), (len(frame['cam2img']), 3, 3))
        return self.draw.transform(frame)
