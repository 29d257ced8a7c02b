"""Depth models: monocular students, stereo teachers and their parts."""

from .data_preprocessor import DepthDataPreprocessor
from .decoders import DepthFPNDecoder, WindowCRFDecoder
from .estimators import BaseDepthEstimator, MonoDepthEstimator, StereoDepthEstimator, blend_flipped
from .fusion import BaseStereoFusion, ConcatStereoFusion, CorrelationStereoFusion, EpipolarStereoFusion
from .heads import DepthScaleHead
from .losses import DepthNLLLoss, DisparityMatchLoss, SILogLoss

__all__ = [
    'BaseDepthEstimator',
    'BaseStereoFusion',
    'ConcatStereoFusion',
    'CorrelationStereoFusion',
    'DepthDataPreprocessor',
    'DepthFPNDecoder',
    'DepthNLLLoss',
    'DepthScaleHead',
    'DisparityMatchLoss',
    'EpipolarStereoFusion',
    'MonoDepthEstimator',
    'SILogLoss',
    'StereoDepthEstimator',
    'WindowCRFDecoder',
    'blend_flipped',
]
