"""Leaderboard files: packing and checking."""

from .lidarseg import check_lidarseg, pack_lidarseg
from .occ3d import check_occ3d, pack_occ3d

__all__ = ['check_lidarseg', 'check_occ3d', 'pack_lidarseg', 'pack_occ3d']
