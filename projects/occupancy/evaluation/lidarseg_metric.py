"""nuScenes lidarseg of occupancy models: points take the class of their voxel. P points, X/Y/Z voxels."""

import os
import os.path as osp
from collections.abc import Sequence

import numpy as np
from mmdet3d.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from projects.fileio import atomic_write, file_below
from projects.occ_eval import labels_at_points, lidarseg_confusion, lidarseg_iou
from projects.occ_eval.classes import LIDARSEG_CLASSES
from projects.occ_eval.files import LIDARSEG_SUFFIX, read_lidarseg
from projects.occ_eval.infos import key_poses
from projects.occupancy.datasets.transforms import read_points

from .samples import infos_by_token, read_prediction, spec_of

_KEPT = ('token', 'ego2global', 'lidar_points', 'pts_semantic_mask_path')
"""Parts of an item that are read for a sample; key_poses() wants both poses."""


def write_lidarseg(labels: np.ndarray, token: str, folder: str) -> str:
    """Write the labels of one point cloud as the lidarseg server reads them.

    Args:
        labels (np.ndarray): Ids 1..16 in the order of the points. Shape (P,).
        token (str): Token of the LiDAR sample_data.
        folder (str): Where to write.

    Returns:
        str: Path of the file, which appears only when it is complete.

    Raises:
        ValueError: If the token is no file name.
    """
    path = file_below(folder, token, LIDARSEG_SUFFIX, 'sample_data_token')
    with atomic_write(path) as file:
        file.write(np.ascontiguousarray(labels, np.uint8).tobytes())
    return path


@METRICS.register_module()
class LidarSegMetric(BaseMetric):
    """mIoU of the nuScenes lidarseg challenge (16 classes, id 0 ignored), in percent.

    The key LiDAR scan is read from the data set, and every point takes the class of its voxel; a point in free space or
    outside the grid takes that of the nearest occupied voxel. The grid is that of ``dataset_meta``. Every sample adds a
    32 x 17 matrix to ``self.results``. Keys: ``lidarseg/mIoU`` and ``lidarseg/<class>``.

    Args:
        ann_file (str): Info file with ``lidar_points`` and ``pts_semantic_mask_path``.
        data_root (str): Root of the data set.
        lidar_dir (str): Folder of key scans below the root. Defaults to 'samples/LIDAR_TOP'.
        label_ids (str): Ids of the label files: 'fine', 'challenge' or 'auto'. Defaults to 'auto'.
        submission_dir (str | None): Folder for leaderboard files, one per sample. Defaults to None.
        format_only (bool): Only write the files; labels are not needed. Defaults to False.
        collect_device (str): 'cpu' or 'gpu'. Defaults to 'cpu'.
        prefix (str | None): Prefix of the keys. Defaults to None ('lidarseg').
    """

    default_prefix = 'lidarseg'

    def __init__(
        self,
        ann_file: str,
        data_root: str,
        lidar_dir: str = 'samples/LIDAR_TOP',
        label_ids: str = 'auto',
        submission_dir: str | None = None,
        format_only: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if format_only and submission_dir is None:
            raise ValueError('LidarSegMetric(format_only=True) needs submission_dir, the folder to write to')
        self.infos = infos_by_token(ann_file, _KEPT)
        self.ann_file, self.data_root, self.lidar_dir = ann_file, data_root, lidar_dir
        self.label_ids, self.submission_dir, self.format_only = label_ids, submission_dir, format_only
        if submission_dir is not None:
            os.makedirs(submission_dir, exist_ok=True)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Add the confusion matrix of every sample.

        Args:
            data_batch (dict): Not used.
            data_samples (Sequence[dict]): With ``token`` and ``pred_occ`` (X, Y, Z).
        """
        for sample in data_samples:
            info = self.infos.get(sample['token'])
            if info is None:
                raise ValueError(f'{self.ann_file} has no sample {sample["token"]}; give the info file of the test set')
            spec = spec_of(self.dataset_meta)
            labels = labels_at_points(read_prediction(sample), self._points(info), nearest=True, spec=spec)
            if self.submission_dir is not None:
                write_lidarseg(labels, info['lidar_points']['sample_data_token'], self.submission_dir)
            matrix = np.zeros((0, 0), np.int64) if self.format_only else self._confusion(labels, info)
            self.results.append(matrix)

    def _points(self, info: dict) -> np.ndarray:
        """Key scan in the ego frame. Shape (P, 3)."""
        lidar = info['lidar_points']
        path = osp.join(self.data_root, self.lidar_dir, lidar['lidar_path'])
        points = read_points(path, lidar['num_pts_feats'])[:, :3].astype(np.float64)
        _, (lidar2ego,) = key_poses([info], self.ann_file)
        return points @ lidar2ego[:3, :3].T + lidar2ego[:3, 3]

    def _confusion(self, labels: np.ndarray, info: dict) -> np.ndarray:
        path = info.get('pts_semantic_mask_path')
        if not path:
            raise ValueError(
                f'{self.ann_file} names no lidarseg labels for sample {info["token"]}; download nuScenes-lidarseg '
                'and run tools/create_data.py occ3d-nus --force, or set format_only=True'
            )
        try:
            return lidarseg_confusion(labels, read_lidarseg(osp.join(self.data_root, path)))
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Sum the matrices and derive the numbers."""
        logger = MMLogger.get_current_instance()
        if self.format_only:
            logger.info(f'{len(results)} point clouds were written to {self.submission_dir}')
            return {}
        iou = 100 * lidarseg_iou(np.sum(results, axis=0), self.label_ids)
        metrics = {'mIoU': float(np.nanmean(iou)) if np.isfinite(iou).any() else float('nan')}
        logger.info(f'lidarseg mIoU over {len(results)} samples: {metrics["mIoU"]:.2f} percent')
        return {**metrics, **{name: float(value) for name, value in zip(LIDARSEG_CLASSES[1:], iou)}}
