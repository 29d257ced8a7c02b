"""Backbones that mmdet and mmdet3d do not have."""

from .bev_resnet import BEVResNet
from .pillar_encoder import PillarEncoder
from .stereo_swin import StereoSwinTransformer
from .voxel_resnet import VoxelResNet

__all__ = ['BEVResNet', 'PillarEncoder', 'StereoSwinTransformer', 'VoxelResNet']
