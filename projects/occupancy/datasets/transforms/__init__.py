"""Transforms of occupancy samples; the shared ones are in ``projects.transforms``."""

from .formatting import PackOccInputs
from .loading import LoadImageSegments, LoadOccupancyLabels, read_occ_label

__all__ = ['LoadImageSegments', 'LoadOccupancyLabels', 'PackOccInputs', 'read_occ_label']
