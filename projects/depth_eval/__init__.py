"""Evaluation of depth maps on any machine: NumPy and OpenCV, no torch and no mm package.

The metric of the Runner in ``projects.depth.evaluation`` and the command-line tools stand on this package.
"""

from .crops import CROPS, KB_HEIGHT, KB_WIDTH, crop_mask, kb_crop, kb_crop_offset
from .edges import depth_edges
from .holes import interpolate_background
from .infos import FRAME_ID_PARTS, read_depth_infos
from .maps import MAX_STORED_DEPTH, decode_depth, encode_depth, read_depth
from .metrics import (
    EIGEN_KEYS,
    KITTI_KEYS,
    check_finite,
    eigen_image,
    eigen_metrics,
    kitti_image,
    kitti_metrics,
    macro_average,
)

__all__ = [
    'CROPS',
    'EIGEN_KEYS',
    'FRAME_ID_PARTS',
    'KB_HEIGHT',
    'KB_WIDTH',
    'KITTI_KEYS',
    'MAX_STORED_DEPTH',
    'check_finite',
    'crop_mask',
    'decode_depth',
    'depth_edges',
    'eigen_image',
    'eigen_metrics',
    'encode_depth',
    'interpolate_background',
    'kb_crop',
    'kb_crop_offset',
    'kitti_image',
    'kitti_metrics',
    'macro_average',
    'read_depth',
    'read_depth_infos',
]
