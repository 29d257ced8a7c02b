"""Transforms of occupancy samples; what depth needs as well is in ``projects.transforms``."""

from .depth_map import LiDARDepthMap, project_ego_points
from .formatting import PackOccInputs
from .history import LoadImageHistory
from .image_augment import MultiViewColorJitter, MultiViewImageAug
from .image_loading import LoadMultiViewImages
from .loading import LoadImageSegments, LoadOccupancyLabels, load_occ_label
from .point_classes import LoadPointClasses, PointClassesFromVoxels, VoxelizePointClasses
from .points_loading import LoadLidarPoints, LoadLidarSweeps, read_points
from .points_transforms import BEVAugment, EgoPointsRangeFilter, PointsToEgo

__all__ = [
    'BEVAugment',
    'EgoPointsRangeFilter',
    'LiDARDepthMap',
    'LoadImageHistory',
    'LoadImageSegments',
    'LoadLidarPoints',
    'LoadLidarSweeps',
    'LoadMultiViewImages',
    'LoadOccupancyLabels',
    'LoadPointClasses',
    'MultiViewColorJitter',
    'MultiViewImageAug',
    'PackOccInputs',
    'PointClassesFromVoxels',
    'PointsToEgo',
    'VoxelizePointClasses',
    'load_occ_label',
    'project_ego_points',
    'read_points',
]
