"""Occupancy models: camera students, LiDAR and fusion teachers."""

from .base_occ_model import BaseOccModel
from .bevformer_occ_model import BEVFormerOccModel
from .fusion_occ_model import FusionOccModel
from .lidar_occ_model import LidarOccModel
from .lss_occ_model import LSSOccModel
from .stereo_lss_occ_model import StereoLSSOccModel
from .temporal_lss_occ_model import TemporalLSSOccModel
from .tpvformer_occ_model import TPVFormerOccModel

__all__ = [
    'BEVFormerOccModel',
    'BaseOccModel',
    'FusionOccModel',
    'LSSOccModel',
    'LidarOccModel',
    'StereoLSSOccModel',
    'TPVFormerOccModel',
    'TemporalLSSOccModel',
]
