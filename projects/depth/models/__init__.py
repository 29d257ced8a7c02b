"""Depth models: monocular students, stereo teachers and their parts."""

from .data_preprocessor import DepthDataPreprocessor
from .decoders import DepthFPNDecoder, WindowCRFDecoder
from .fusers import BaseStereoFuser, ConcatStereoFuser, CorrelationStereoFuser, EpipolarStereoFuser
from .heads import DepthScaleHead
from .losses import DepthNLLLoss, DisparityMatchLoss, SILogLoss
from .networks import BaseDepthModel, MonoDepthModel, StereoDepthModel, blend_flipped

__all__ = [
    'BaseDepthModel',
    'BaseStereoFuser',
    'ConcatStereoFuser',
    'CorrelationStereoFuser',
    'DepthDataPreprocessor',
    'DepthFPNDecoder',
    'DepthNLLLoss',
    'DepthScaleHead',
    'DisparityMatchLoss',
    'EpipolarStereoFuser',
    'MonoDepthModel',
    'SILogLoss',
    'StereoDepthModel',
    'WindowCRFDecoder',
    'blend_flipped',
]
