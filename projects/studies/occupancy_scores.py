"""Scores of predicted occupancy over a data set.

X/Y/Z voxels, C classes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from projects.occupancy.classes import UNLABELLED
from projects.occupancy.evaluation import confusion_matrix, geometric_iou, iou_from_confusion, mean_iou

from .statistics import rounded_or_none


@dataclass(frozen=True)
class Scores:
    """Scores of one model over a data set, in percent; NaN for a class in neither label nor prediction."""

    miou: float
    iou: float
    per_class: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """Plain data; NaN becomes None."""
        plain = {name: rounded_or_none(value, 3) for name, value in self.per_class.items()}
        return {'miou': round(self.miou, 3), 'iou': round(self.iou, 3), 'per_class': plain}


class OccupancyMeter:
    """Counts the voxels that the cameras see, by label and prediction; ``frames`` holds the counts (C, C) of each.

    Args:
        classes (tuple[str, ...]): Names of the C classes.
        free_class (int): Id of free.
    """

    def __init__(self, classes: tuple[str, ...], free_class: int) -> None:
        self.classes, self.free_class = classes, free_class
        self.frames: list[np.ndarray] = []

    def add(self, sample: dict, predicted: np.ndarray) -> None:
        """Count class ids of shape (X, Y, Z)."""
        label, mask = (getattr(sample['data_samples'], name).numpy() for name in ('gt_occ', 'mask_camera'))
        self.frames.append(confusion_matrix(predicted, label, len(self.classes), mask, unlabelled=UNLABELLED))

    def scores(self) -> Scores:
        """Scores of all samples that were added."""
        hist, free = np.sum(self.frames, axis=0), self.free_class
        per_class = dict(zip(self.classes, (100 * float(value) for value in iou_from_confusion(hist))))
        del per_class[self.classes[free]]
        return Scores(100 * mean_iou(hist, free), 100 * geometric_iou(hist, free), per_class)


def most_likely(logits: Tensor) -> np.ndarray:
    """Most likely class of each voxel of logits (1, X, Y, Z, C). Shape (X, Y, Z), uint8."""
    return logits[0].argmax(-1).to(torch.uint8).numpy()
