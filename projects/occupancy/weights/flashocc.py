"""Released weights of FlashOCC (M0 and M1), and of the BEVDet-Occ model in its code."""

from .parts import BEV_ENCODER, HEAD, IMAGE, SETTINGS, VIEW, VOXEL_ENCODER
from .rules import Source

SOURCE = Source('FlashOCC', IMAGE + VIEW + BEV_ENCODER + VOXEL_ENCODER + HEAD, SETTINGS)
