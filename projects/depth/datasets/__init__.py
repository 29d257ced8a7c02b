"""Depth data sets and their transforms."""

from .depth_dataset import DrivingStereoDataset, KITTIDepthDataset, StereoDepthDataset
from .kitti_calibration import StereoCalibration, calibration_from_projections, parse_calibration, read_calibration
from .split_lists import Frame, read_compact_list, read_eigen_list
from .stereo_order import check_stereo_order, match_rows
from .transforms import (
    KBCrop,
    LoadDepthImages,
    LoadDepthMap,
    PackDepthInputs,
    StereoColorAug,
    StereoCrop,
    StereoFlip,
    StereoResize,
)

__all__ = [
    'DrivingStereoDataset',
    'Frame',
    'KBCrop',
    'KITTIDepthDataset',
    'LoadDepthImages',
    'LoadDepthMap',
    'PackDepthInputs',
    'StereoCalibration',
    'StereoColorAug',
    'StereoCrop',
    'StereoDepthDataset',
    'StereoFlip',
    'StereoResize',
    'calibration_from_projections',
    'check_stereo_order',
    'match_rows',
    'parse_calibration',
    'read_calibration',
    'read_compact_list',
    'read_eigen_list',
]
