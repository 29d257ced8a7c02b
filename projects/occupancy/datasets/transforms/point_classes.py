"""Classes of LiDAR points. P points, X/Y/Z voxels."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from projects.occ_eval.classes import LIDARSEG_FROM_FINE
from projects.occ_eval.files import read_lidarseg
from projects.occupancy.classes import UNLABELLED

from .points_loading import require_frame

_LABEL_IDS = ('fine', 'challenge')
_FREE = ('passed', 'all', 'none')


@TRANSFORMS.register_module()
class LoadPointClasses(BaseTransform):
    """Load the classes of the keyframe's points from nuScenes lidarseg, as classes of Occ3D.

    The two have one set of ids, 1 to 16. Class 0 of lidarseg (noise, the ego car, animals and other things) is not
    "others" of Occ3D and becomes 255, unknown.

    Required keys: ``points`` straight from ``LoadLidarPoints``, ``lidarseg_path``, ``token``. Optional key:
    ``labelled``; where it is False, as ``label_part`` of the data set has it, no file is read and all are unknown.
    Added keys: ``point_classes`` (P,) uint8, 255 = unknown; transforms that add or drop points keep it in step.

    Args:
        label_ids (str): Ids of the files: 'fine', the 32 categories that nuScenes has, or 'challenge' (0..16). Defaults
            to 'fine'.
    """

    def __init__(self, label_ids: str = 'fine') -> None:
        if label_ids not in _LABEL_IDS:
            raise ValueError(f'label_ids must be one of {_LABEL_IDS}, got {label_ids!r}')
        ids = LIDARSEG_FROM_FINE if label_ids == 'fine' else range(17)
        self.classes = np.array([UNLABELLED if i == 0 else i for i in ids], np.uint8)
        self.label_ids = label_ids

    def transform(self, results: dict) -> dict:
        """Read ``lidarseg_path``.

        Raises:
            FileNotFoundError: If the info file names no lidarseg label, or there is no such file.
            ValueError: If the file does not fit the points, or holds other ids.
        """
        require_frame(results, 'lidar', 'LoadPointClasses')
        if not results.get('labelled', True):
            results['point_classes'] = np.full(len(results['points']), UNLABELLED, np.uint8)
            return results
        token, path = results['token'], results.get('lidarseg_path')
        if path is None:
            raise FileNotFoundError(
                f'the info file names no lidarseg labels for sample {token}; put nuScenes-lidarseg below the data root '
                'and run tools/create_data.py occ3d-nus --force, or take PointClassesFromVoxels'
            )
        ids = read_lidarseg(path)
        if len(ids) != len(results['points']):
            raise ValueError(
                f'{path} has {len(ids)} labels for the {len(results["points"])} points of sample {token}; '
                'LoadPointClasses must come straight after LoadLidarPoints, or the file belongs to another scan'
            )
        if int(ids.max()) >= len(self.classes):
            raise ValueError(
                f'{path} holds id {int(ids.max())}, expected 0..{len(self.classes) - 1} (label_ids={self.label_ids!r})'
            )
        results['point_classes'] = self.classes[ids]
        return results


def classes_at_points(
    labels: np.ndarray, xyz: np.ndarray, point_cloud_range: Sequence[float], free_class: int
) -> np.ndarray:
    """Class of the voxel around each point.

    Args:
        labels (np.ndarray): Class ids, 255 = not labelled. Shape (X, Y, Z).
        xyz (np.ndarray): Points in metres, in the frame of the labels. Shape (P, 3).
        point_cloud_range (Sequence[float]): Box of the labels: x, y, z minimum, then maximum.
        free_class (int): Id of free space.

    Returns:
        np.ndarray: 255 where the voxel is free or not labelled, and outside. Shape (P,), uint8.
    """
    low, high = np.asarray(point_cloud_range, np.float64).reshape(2, 3)
    index = np.floor((xyz - low) / (high - low) * labels.shape)
    inside = ((index >= 0) & (index < labels.shape)).all(axis=1)
    found = np.full(len(xyz), UNLABELLED, np.uint8)
    found[inside] = labels[tuple(index[inside].astype(np.int64).T)]
    found[found == free_class] = UNLABELLED
    return found


@TRANSFORMS.register_module()
class PointClassesFromVoxels(BaseTransform):
    """Give each point the class of its voxel in the label, for data without labels of points.

    This is a voxel label in another form: what trains on it is not free of voxel labels.

    Required keys: ``points`` in the ego frame, ``gt_occ`` (X, Y, Z) in the same frame, both before or both after
    ``BEVAugment``; ``point_cloud_range`` and ``num_classes`` of the data set. Added keys: ``point_classes`` (P,) uint8,
    255 where the voxel is free or not labelled, and outside the grid.
    """

    def transform(self, results: dict) -> dict:
        """Look the voxels up."""
        require_frame(results, 'ego', 'PointClassesFromVoxels')
        xyz, box = results['points'][:, :3].astype(np.float64), results['point_cloud_range']
        results['point_classes'] = classes_at_points(results['gt_occ'], xyz, box, results['num_classes'] - 1)
        return results


def vote_classes(
    classes: np.ndarray,
    xyz: np.ndarray,
    point_cloud_range: Sequence[float],
    shape: Sequence[int],
    num_classes: int,
    empty: int,
) -> np.ndarray:
    """Voxels with the class that most of their points have; of equally many the smaller id.

    Args:
        classes (np.ndarray): Classes of the points, 255 = unknown, which have no vote. Shape (P,), uint8.
        xyz (np.ndarray): Points in metres, in the frame of the box. Shape (P, 3).
        point_cloud_range (Sequence[float]): Box: x, y, z minimum, then maximum.
        shape (Sequence[int]): X, Y, Z.
        num_classes (int): Number of classes.
        empty (int): Id of voxels without a vote.

    Returns:
        np.ndarray: Class ids. Shape (X, Y, Z), uint8.
    """
    low, high = np.asarray(point_cloud_range, np.float64).reshape(2, 3)
    index = np.floor((xyz - low) / (high - low) * shape)
    voting = ((index >= 0) & (index < shape)).all(axis=1) & (classes != UNLABELLED)
    voxels = np.ravel_multi_index(tuple(index[voting].astype(np.int64).T), tuple(shape))
    pairs, votes = np.unique(voxels * num_classes + classes[voting], return_counts=True)
    order = np.lexsort((-pairs, votes))  # the winner of a voxel is written last
    labels = np.full(int(np.prod(shape)), empty, np.uint8)
    labels[pairs[order] // num_classes] = pairs[order] % num_classes
    return labels.reshape(shape)


@TRANSFORMS.register_module()
class VoxelizePointClasses(BaseTransform):
    """Make a sparse voxel label of the classes of one LiDAR scan, as the sparse task of RadOcc trains on.

    Points of sweeps, whose time lag is above 0, neither vote nor free voxels: the car was elsewhere.

    Required keys: ``points`` in the ego frame, ``point_classes``, ``lidar2ego`` (4, 4), ``bda_mat``;
    ``point_cloud_range``, ``grid_size`` and ``num_classes`` of the data set. Optional key: ``labelled``; where it is
    False no voxel is labelled. Added keys: ``gt_occ`` (X, Y, Z) uint8, and ``mask_lidar`` (X, Y, Z) bool, the labelled
    voxels.

    Args:
        free (str): Which voxels without a vote are free: 'passed', those that a ray of the scan passed, 'all', or
            'none'. The others are not labelled (255). Defaults to 'passed' (not from the paper).
    """

    def __init__(self, free: str = 'passed') -> None:
        if free not in _FREE:
            raise ValueError(f'free must be one of {_FREE}, got {free!r}')
        self.free = free

    def transform(self, results: dict) -> dict:
        """Vote.

        Raises:
            ValueError: If the points are not in the ego frame, or the frame was augmented before.
        """
        require_frame(results, 'ego', 'VoxelizePointClasses')
        if not np.array_equal(results['bda_mat'], np.eye(4)):
            raise ValueError('VoxelizePointClasses must come before BEVAugment in the pipeline')
        shape, classes = tuple(results['grid_size']), results['num_classes']
        points, box = results['points'], results['point_cloud_range']
        key = points[:, 4] <= 0
        xyz = points[key, :3].astype(np.float64)
        labels = np.full(shape, UNLABELLED, np.uint8)
        if results.get('labelled', True):
            labels = vote_classes(results['point_classes'][key], xyz, box, shape, classes, UNLABELLED)
            labels[(labels == UNLABELLED) & self._free(results['lidar2ego'], xyz, box, shape)] = classes - 1
        results['gt_occ'], results['mask_lidar'] = labels, labels != UNLABELLED
        return results

    def _free(
        self, lidar2ego: np.ndarray, xyz: np.ndarray, box: Sequence[float], shape: tuple[int, ...]
    ) -> np.ndarray | bool:
        if self.free != 'passed':
            return self.free == 'all'
        from projects.occupancy.ops.numba_rays import passed_voxels

        return passed_voxels(np.asarray(lidar2ego)[:3, 3], xyz, box, shape)
