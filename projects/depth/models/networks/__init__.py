"""Whole models."""

from .base_depth_model import BaseDepthModel
from .image_depth_model import ImageDepthModel
from .mono_depth_model import MonoDepthModel, blend_flipped
from .stereo_depth_model import StereoDepthModel

__all__ = [
    'BaseDepthModel',
    'ImageDepthModel',
    'MonoDepthModel',
    'StereoDepthModel',
    'blend_flipped',
]
