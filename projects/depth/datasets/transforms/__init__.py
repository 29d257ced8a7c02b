"""Transforms of stereo pairs and depth maps; importing the package registers them."""

from .colour import StereoColorAug
from .geometry import KBCrop, StereoCrop, StereoFlip, StereoResize, resize_sparse
from .loading import LoadDepthImages, LoadDepthMap
from .packing import PackDepthInputs

__all__ = [
    'KBCrop',
    'LoadDepthImages',
    'LoadDepthMap',
    'PackDepthInputs',
    'StereoColorAug',
    'StereoCrop',
    'StereoFlip',
    'StereoResize',
    'resize_sparse',
]
