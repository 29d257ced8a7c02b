"""Evaluation of 3D occupancy on any machine: NumPy and numba, no torch and no mm package.

The metrics of the Runner in ``projects.occupancy.evaluation`` and the command-line tools stand on this package.
"""

from .confusion import (
    confusion_matrix,
    geometric_iou,
    iou_from_confusion,
    mean_iou,
    mean_of_present,
    occ_confusion,
)
from .fscore import FScore, occupancy_fscore
from .lidarseg import labels_at_points, lidarseg_confusion, lidarseg_iou, lidarseg_miou
from .origins import read_origins, scene_origins, select_origins
from .rayiou import lidar_rays, mean_rayiou, ray_counts, rayiou_from_counts
from .spec import OccSpec

__all__ = [
    'FScore',
    'OccSpec',
    'confusion_matrix',
    'geometric_iou',
    'iou_from_confusion',
    'labels_at_points',
    'lidar_rays',
    'lidarseg_confusion',
    'lidarseg_iou',
    'lidarseg_miou',
    'mean_iou',
    'mean_of_present',
    'mean_rayiou',
    'occ_confusion',
    'occupancy_fscore',
    'ray_counts',
    'rayiou_from_counts',
    'read_origins',
    'scene_origins',
    'select_origins',
]
