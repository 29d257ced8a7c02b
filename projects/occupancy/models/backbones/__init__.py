"""Backbones that mmdet and mmdet3d do not have."""

from .bev_resnet import BEVResNet
from .pillar_encoder import PillarEncoder
from .voxel_resnet import VoxelResNet

__all__ = ['BEVResNet', 'PillarEncoder', 'VoxelResNet']
