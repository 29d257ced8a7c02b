"""mIoU and IoU of occupancy predictions, and files for the Occ3D leaderboard. X/Y/Z voxels."""

import os
from collections.abc import Sequence

import numpy as np
from mmdet3d.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from projects.fileio import atomic_write, file_below
from projects.occ_eval import confusion_matrix, geometric_iou, iou_from_confusion, mean_iou
from projects.occ_eval.confusion import NAN_POLICIES
from projects.occupancy.classes import UNLABELLED

from .samples import NOT_SCORED, is_unlabelled, read_prediction, require_fields, scored_only, to_numpy


def write_submission(pred_occ: np.ndarray, token: str, folder: str) -> str:
    """Write one prediction as the Occ3D server reads it: ``<token>.npz`` with the uint8 array ``arr_0``.

    Returns:
        str: Path of the file, which appears only when it is complete.

    Raises:
        ValueError: If the token is no file name.
    """
    path = file_below(folder, token, '.npz')
    with atomic_write(path) as file:
        np.savez_compressed(file, pred_occ.astype(np.uint8))
    return path


@METRICS.register_module()
class OccMetric(BaseMetric):
    """mIoU over the classes without free (Occ3D), geometric IoU, and the IoU of each class, in percent.

    Every sample adds one confusion matrix to ``self.results``, so evaluation on many processes is exact.
    Classes and the free class come from ``dataset_meta``. Keys: ``occ/mIoU``, ``occ/IoU``, ``occ/IoU_<class>``; a class
    in neither labels nor predictions is NaN. Voxels with the label 255 are not labelled and do not count. Samples for
    which the info file names no label do not count either; a warning says how many.

    Args:
        mask (str | None): Voxels that count: 'camera' (Occ3D), 'lidar' or None (all). Defaults to 'camera'.
        submission_dir (str | None): Folder for leaderboard files, one per sample. Defaults to None.
        format_only (bool): Only write the files; labels are not needed. Defaults to False.
        nan_policy (str): Classes left out of mIoU: 'both' (absent from labels and predictions, Occ3D) or 'label'
            (absent from labels, SparseOcc). Defaults to 'both'.
        collect_device (str): 'cpu' or 'gpu'. Defaults to 'cpu'.
        prefix (str | None): Prefix of the keys. Defaults to None ('occ').
    """

    default_prefix = 'occ'

    def __init__(
        self,
        mask: str | None = 'camera',
        submission_dir: str | None = None,
        format_only: bool = False,
        nan_policy: str = 'both',
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if mask not in ('camera', 'lidar', None):
            raise ValueError(f"mask of OccMetric must be 'camera', 'lidar' or None, got {mask!r}")
        if format_only and submission_dir is None:
            raise ValueError('OccMetric(format_only=True) needs submission_dir, the folder to write to')
        if nan_policy not in NAN_POLICIES:
            raise ValueError(f'nan_policy of OccMetric must be one of {NAN_POLICIES}, got {nan_policy!r}')
        self.mask = mask
        self.nan_policy = nan_policy
        self.submission_dir = submission_dir
        self.format_only = format_only
        if submission_dir is not None:
            os.makedirs(submission_dir, exist_ok=True)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Add the confusion matrix of every sample.

        Args:
            data_batch (dict): Not used.
            data_samples (Sequence[dict]): With ``token``, ``pred_occ`` and, unless ``format_only``, ``gt_occ`` and the
                mask, each (X, Y, Z).
        """
        for sample in data_samples:
            pred = read_prediction(sample)
            if self.submission_dir is not None:
                write_submission(pred, sample['token'], self.submission_dir)
            passed = self.format_only or is_unlabelled(sample)
            self.results.append(NOT_SCORED if passed else self._confusion(pred, sample))

    def _confusion(self, pred: np.ndarray, sample: dict) -> np.ndarray:
        needed = ['gt_occ'] + ([f'mask_{self.mask}'] if self.mask else [])
        hint = 'add LoadOccupancyLabels to the pipeline and check that the label exists, or set format_only=True'
        require_fields(sample, needed, hint)
        mask = to_numpy(sample[f'mask_{self.mask}']).astype(bool) if self.mask else None
        try:
            num_classes = len(self.dataset_meta['classes'])
            return confusion_matrix(pred, to_numpy(sample['gt_occ']), num_classes, mask, unlabelled=UNLABELLED)
        except ValueError as error:
            raise ValueError(f'sample {sample["token"]}: {error}') from error

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Sum the matrices and derive the numbers."""
        logger = MMLogger.get_current_instance()
        if self.format_only:
            logger.info(f'{len(results)} predictions were written to {self.submission_dir}')
            return {}
        results = scored_only(results)
        hist = np.sum(results, axis=0)
        classes, free = self.dataset_meta['classes'], self.dataset_meta['free_class']
        ious = 100 * iou_from_confusion(hist, self.nan_policy)
        metrics = {'mIoU': 100 * mean_iou(hist, free, self.nan_policy), 'IoU': 100 * geometric_iou(hist, free)}
        per_class = {name: float(ious[index]) for index, name in enumerate(classes) if index != free}
        lines = [f'{name:<22}{value:>8.2f}' for name, value in {**per_class, **metrics}.items()]
        logger.info('\n'.join([f'IoU in percent over {len(results)} samples, mask {self.mask}', *lines]))
        metrics.update({f'IoU_{name}': value for name, value in per_class.items()})
        return metrics
