"""Distillation losses of ADU-Depth and how uncertainty guides them."""

from .feature import AdaptedFeatureLoss, feature_distance_map
from .guidance import emphasis, guided_mean
from .response import FocalDepthLoss, focal_depth_loss, focal_depth_weight

__all__ = [
    'AdaptedFeatureLoss',
    'FocalDepthLoss',
    'emphasis',
    'feature_distance_map',
    'focal_depth_loss',
    'focal_depth_weight',
    'guided_mean',
]
