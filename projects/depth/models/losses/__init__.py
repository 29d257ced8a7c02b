"""Losses of depth models."""

from .depth_nll import DepthNLLLoss, depth_nll, scale_nll
from .matching import DisparityMatchLoss, disparity_cross_entropy, nearest_depth_in_cells
from .silog import SILogLoss, sig_loss, silog_loss

__all__ = [
    'DepthNLLLoss',
    'DisparityMatchLoss',
    'SILogLoss',
    'depth_nll',
    'disparity_cross_entropy',
    'nearest_depth_in_cells',
    'scale_nll',
    'sig_loss',
    'silog_loss',
]
