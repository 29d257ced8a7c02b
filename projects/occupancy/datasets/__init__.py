"""Occupancy data sets and their transforms."""

from projects.occ_eval.foreign_infos import convert_bevdet_info
from projects.occ_eval.infos import read_info_items

from .occ3d_nuscenes import Occ3DNuScenesDataset
from .transforms import LoadImageSegments, LoadOccupancyLabels, PackOccInputs, read_occ_label

__all__ = [
    'LoadImageSegments',
    'LoadOccupancyLabels',
    'Occ3DNuScenesDataset',
    'PackOccInputs',
    'convert_bevdet_info',
    'read_info_items',
    'read_occ_label',
]
