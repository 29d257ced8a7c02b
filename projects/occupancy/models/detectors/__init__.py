"""Occupancy models: camera students, LiDAR and fusion teachers."""

from .base_occ_detector import BaseOccDetector
from .fusion_occ_detector import FusionOccDetector
from .lidar_occ_detector import LidarOccDetector
from .lss_occ_detector import LSSOccDetector

__all__ = ['BaseOccDetector', 'FusionOccDetector', 'LSSOccDetector', 'LidarOccDetector']
