"""Depth models: monocular students, stereo teachers and their parts."""

from .data_preprocessor import DepthDataPreprocessor
from .losses import DepthNLLLoss, DisparityMatchLoss, SILogLoss

__all__ = ['DepthDataPreprocessor', 'DepthNLLLoss', 'DisparityMatchLoss', 'SILogLoss']
