"""Occupancy data sets and their transforms."""

from projects.occ_eval.infos import read_info_items

from .occ3d_nuscenes import Occ3DNuScenesDataset
from .sparse_nuscenes import SparseOccNuScenesDataset
from .transforms import LoadImageSegments, LoadOccupancyLabels, PackOccInputs, load_occ_label

__all__ = [
    'LoadImageSegments',
    'LoadOccupancyLabels',
    'Occ3DNuScenesDataset',
    'PackOccInputs',
    'SparseOccNuScenesDataset',
    'load_occ_label',
    'read_info_items',
]
