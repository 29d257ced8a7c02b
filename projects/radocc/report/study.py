"""Measure teacher, baseline and distilled student on held-out scenes, each in the same way.

X/Y/Z voxels, C classes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmdet3d.registry import DATASETS
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

from projects.occupancy.classes import UNLABELLED
from projects.occupancy.evaluation import confusion_matrix, geometric_iou, iou_from_confusion, mean_iou


@dataclass(frozen=True)
class Scores:
    """Scores of one model over a data set, in percent; NaN for a class in neither label nor prediction."""

    miou: float
    iou: float
    per_class: dict[str, float]

    @classmethod
    def from_confusion(cls, hist: np.ndarray, classes: tuple[str, ...], free_class: int) -> 'Scores':
        """Score a confusion matrix of shape (C, C)."""
        per_class = {
            name: 100 * float(value)
            for i, (name, value) in enumerate(zip(classes, iou_from_confusion(hist)))
            if i != free_class
        }
        return cls(100 * mean_iou(hist, free_class), 100 * geometric_iou(hist, free_class), per_class)

    def as_json(self) -> dict:
        """Plain data; NaN becomes None."""
        plain = {name: None if np.isnan(value) else round(value, 3) for name, value in self.per_class.items()}
        return {'miou': round(self.miou, 3), 'iou': round(self.iou, 3), 'per_class': plain}


def build_dataset(dataset: Mapping, data_root: str | Path, pipeline: list) -> torch.utils.data.Dataset:
    """Build a data set config with another root and pipeline, with every sensor."""
    return DATASETS.build(
        {
            **dataset,
            'data_root': str(data_root),
            'pipeline': pipeline,
            'modality': {'use_camera': True, 'use_lidar': True},
            'test_mode': True,
        }
    )


def most_likely(logits: Tensor) -> np.ndarray:
    """Most likely class of each voxel of logits (1, X, Y, Z, C). Shape (X, Y, Z), uint8."""
    return logits[0].argmax(-1).to(torch.uint8).numpy()


class Predictor:
    """A model with its own data preprocessor: raw sample in, class ids out.

    Args:
        model (nn.Module): Model with ``data_preprocessor`` and ``extract_outputs``.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    @torch.no_grad()
    def logits(self, sample: dict) -> Tensor:
        """Class logits of one packed sample, float32. Shape (1, X, Y, Z, C)."""
        data = self.model.data_preprocessor(pseudo_collate([sample]), False)
        return self.model.extract_outputs(data['inputs'], data['data_samples'])['occ_logits'].float()

    def classes(self, sample: dict) -> np.ndarray:
        """Predicted class of each voxel. Shape (X, Y, Z), uint8."""
        return most_likely(self.logits(sample))


def blank_images(sample: dict) -> dict:
    """Copy of a sample whose images show nothing: every pixel is mid-grey."""
    inputs = {**sample['inputs'], 'imgs': torch.full_like(sample['inputs']['imgs'], 114)}
    return {**sample, 'inputs': inputs}


def swap_points(sample: dict, other: dict) -> dict:
    """Copy of a sample with the LiDAR points of another one."""
    return {**sample, 'inputs': {**sample['inputs'], 'points': other['inputs']['points']}}


def frame_of_another_scene(dataset: torch.utils.data.Dataset, index: int) -> int:
    """Index of a sample half a data set away, moved on until its scene differs.

    Raises:
        ValueError: If the data set holds a single scene.
    """
    count = len(dataset)
    scene = dataset.get_data_info(index)['scene_token']
    for step in range(count):
        other = (index + count // 2 + step) % count
        if dataset.get_data_info(other)['scene_token'] != scene:
            return other
    raise ValueError(f'all {count} samples of {dataset.ann_file} belong to one scene; the control needs two')


Prediction = Callable[[dict, int], np.ndarray]


def measure(
    dataset: torch.utils.data.Dataset, predictions: Mapping[str, Prediction], progress: Callable[[range], Iterator[int]]
) -> dict[str, Scores]:
    """Score several predictions over a data set in one pass, where the cameras see.

    Args:
        dataset (Dataset): Packed samples with labels.
        predictions (Mapping[str, Callable]): Name -> function of (sample, index) that returns class ids (X, Y, Z).
        progress (Callable): Wraps the range of indices, for instance in a progress bar.

    Returns:
        dict[str, Scores]: By name.
    """
    classes, free_class = dataset.metainfo['classes'], dataset.metainfo['free_class']
    total = {name: np.zeros((len(classes), len(classes)), np.int64) for name in predictions}
    for index in progress(range(len(dataset))):
        sample = dataset[index]
        label = sample['data_samples'].gt_occ.numpy()
        mask = sample['data_samples'].mask_camera.numpy()
        for name, predict in predictions.items():
            total[name] += confusion_matrix(predict(sample, index), label, len(classes), mask, unlabelled=UNLABELLED)
    return {name: Scores.from_confusion(hist, classes, free_class) for name, hist in total.items()}
