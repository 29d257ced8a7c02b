"""Occupancy metrics."""

from .functional import confusion_matrix, geometric_iou, iou_from_confusion, mean_iou
from .occ_metric import OccMetric, write_submission

__all__ = [
    'OccMetric',
    'confusion_matrix',
    'geometric_iou',
    'iou_from_confusion',
    'mean_iou',
    'write_submission',
]
