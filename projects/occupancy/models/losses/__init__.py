"""Task losses of occupancy models: a function and a registered module each."""

from .depth_loss import LiDARDepthLoss, depth_bin_targets, lidar_depth_loss
from .lovasz_softmax import OccLovaszLoss, lovasz_growth, lovasz_softmax_loss
from .masked_cross_entropy import MaskedCrossEntropyLoss, masked_cross_entropy_loss, select_voxels

__all__ = [
    'LiDARDepthLoss',
    'MaskedCrossEntropyLoss',
    'OccLovaszLoss',
    'depth_bin_targets',
    'lidar_depth_loss',
    'lovasz_growth',
    'lovasz_softmax_loss',
    'masked_cross_entropy_loss',
    'select_voxels',
]
