"""Occupancy metrics of the Runner, and the functions of ``projects.occ_eval`` that they stand on."""

from projects.occ_eval import (
    confusion_matrix,
    geometric_iou,
    iou_from_confusion,
    labels_at_points,
    lidarseg_confusion,
    lidarseg_iou,
    lidarseg_miou,
    mean_iou,
    mean_rayiou,
    occ_confusion,
    occupancy_fscore,
    ray_counts,
    rayiou_from_counts,
    scene_origins,
)

from .lidarseg_metric import LidarSegMetric, write_lidarseg
from .occ_metric import OccMetric, write_submission
from .rayiou_metric import RayIoUMetric

__all__ = [
    'LidarSegMetric',
    'OccMetric',
    'RayIoUMetric',
    'confusion_matrix',
    'geometric_iou',
    'iou_from_confusion',
    'labels_at_points',
    'lidarseg_confusion',
    'lidarseg_iou',
    'lidarseg_miou',
    'mean_iou',
    'mean_rayiou',
    'occ_confusion',
    'occupancy_fscore',
    'ray_counts',
    'rayiou_from_counts',
    'scene_origins',
    'write_lidarseg',
    'write_submission',
]
