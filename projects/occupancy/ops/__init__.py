"""Operators of the camera-to-voxel lift, in pure PyTorch."""

from .bev_pool import VoxelPoolIndex, rank_points, voxel_pool, voxel_pool_prepare

__all__ = ['VoxelPoolIndex', 'rank_points', 'voxel_pool', 'voxel_pool_prepare']
