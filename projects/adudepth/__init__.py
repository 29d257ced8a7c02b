"""What only ADU-Depth needs: attention adapters, focal response distillation and guidance by uncertainty."""

from .adapters import AttentionAdapter
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
    'AttentionAdapter',
    'FocalDepthLoss',
    'feature_distance_map',
    'focal_depth_loss',
    'focal_depth_weight',
    'guided_mean',
]
