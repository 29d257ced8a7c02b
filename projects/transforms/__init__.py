"""Data transforms that occupancy and depth share; importing the package registers them."""

from .depth_map import LiDARDepthMap, project_points
from .image_augment import MultiViewColorJitter, MultiViewImageAug
from .image_files import read_image, read_image_reduced
from .image_loading import LoadMultiViewImages
from .points_loading import LoadLidarPoints, LoadLidarSweeps, read_points
from .points_transforms import BEVAugment, EgoPointsRangeFilter, PointsToEgo

__all__ = [
    'BEVAugment',
    'EgoPointsRangeFilter',
    'LiDARDepthMap',
    'LoadLidarPoints',
    'LoadLidarSweeps',
    'LoadMultiViewImages',
    'MultiViewColorJitter',
    'MultiViewImageAug',
    'PointsToEgo',
    'project_points',
    'read_image',
    'read_image_reduced',
    'read_points',
]
