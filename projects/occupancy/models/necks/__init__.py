"""Necks of image, BEV and voxel features."""

from .lss_fpn import LSSFPN, VoxelLSSFPN
from .single_level_fpn import SingleLevelFPN

__all__ = ['LSSFPN', 'SingleLevelFPN', 'VoxelLSSFPN']
