"""Operators of the camera-to-voxel lift, of deformable attention, and of LiDAR pillars."""

from .bev_pool import VoxelBuffer, voxel_pool, voxel_pool_rows
from .deform_attn import deformable_sample
from .index import VoxelPoolIndex, rank_points, voxel_pool_prepare
from .index_cache import PoolIndexCache
from .warp import warp_to_key

__all__ = [
    'PoolIndexCache',
    'VoxelBuffer',
    'VoxelPoolIndex',
    'deformable_sample',
    'rank_points',
    'voxel_pool',
    'voxel_pool_prepare',
    'voxel_pool_rows',
    'warp_to_key',
]
