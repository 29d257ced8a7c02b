"""Whole models."""

from .base_depth_estimator import BaseDepthEstimator
from .encoder_decoder_estimator import EncoderDecoderEstimator
from .mono_depth_estimator import MonoDepthEstimator, blend_flipped
from .stereo_depth_estimator import StereoDepthEstimator

__all__ = [
    'BaseDepthEstimator',
    'EncoderDecoderEstimator',
    'MonoDepthEstimator',
    'StereoDepthEstimator',
    'blend_flipped',
]
