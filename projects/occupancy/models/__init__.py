"""Occupancy models: students, teachers and their parts."""

from .backbones import BEVResNet, PillarEncoder, StereoSwinTransformer, VoxelResNet
from .data_preprocessor import OccDataPreprocessor
from .fusers import SEBEVFuser
from .heads import BaseOccHead, BEVDetOccHead, FlashOccHead, SSCOccHead
from .losses import LiDARDepthLoss, MaskedCrossEntropyLoss, OccLovaszLoss
from .necks import LSSFPN, SingleLevelFPN, VoxelLSSFPN
from .networks import (
    BaseOccModel,
    BEVFormerOccModel,
    FusionOccModel,
    LidarOccModel,
    LSSOccModel,
    StereoLSSOccModel,
    TemporalLSSOccModel,
    TPVFormerOccModel,
)
from .ray_geometry import RaySampleGeometry
from .tta import OccFlipTTAModel
from .view_transforms import (
    BEVFormerEncoder,
    BEVStereoDepthNet,
    CameraAwareDepthNet,
    LSSViewTransform,
    StereoDepthNet,
    StereoLSSViewTransform,
    TPVFormerEncoder,
)

__all__ = [
    'LSSFPN',
    'BEVDetOccHead',
    'BEVFormerEncoder',
    'BEVFormerOccModel',
    'BEVResNet',
    'BEVStereoDepthNet',
    'BaseOccHead',
    'BaseOccModel',
    'CameraAwareDepthNet',
    'FlashOccHead',
    'FusionOccModel',
    'LSSOccModel',
    'LSSViewTransform',
    'LiDARDepthLoss',
    'LidarOccModel',
    'MaskedCrossEntropyLoss',
    'OccDataPreprocessor',
    'OccFlipTTAModel',
    'OccLovaszLoss',
    'PillarEncoder',
    'RaySampleGeometry',
    'SEBEVFuser',
    'SSCOccHead',
    'SingleLevelFPN',
    'StereoDepthNet',
    'StereoLSSOccModel',
    'StereoLSSViewTransform',
    'StereoSwinTransformer',
    'TPVFormerEncoder',
    'TPVFormerOccModel',
    'TemporalLSSOccModel',
    'VoxelLSSFPN',
    'VoxelResNet',
]
