"""What only ADU-Depth needs: attention adapters, focal response distillation and guidance by uncertainty."""

import projects.engine  # noqa: F401  says how to install mmcv where it is missing

from .connectors import AttentionConnector
from .losses import (
    AdaptedFeatureLoss,
    FocalDepthLoss,
    feature_distance_map,
    focal_depth_loss,
    focal_depth_weight,
    guided_mean,
)

__all__ = [
    'AdaptedFeatureLoss',
    'AttentionConnector',
    'FocalDepthLoss',
    'feature_distance_map',
    'focal_depth_loss',
    'focal_depth_weight',
    'guided_mean',
]
