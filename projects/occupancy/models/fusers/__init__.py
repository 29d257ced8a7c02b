"""Fusion of camera and LiDAR features."""

from .se_bev_fuser import SEBEVFuser

__all__ = ['SEBEVFuser']
