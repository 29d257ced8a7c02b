"""Released weights of FlashOCC (M0 to M3), and of the BEVDet-Occ models in its code."""

from .parts import BEV_ENCODER, HEAD, IMAGE, SETTINGS, STEREO, VIEW, VOXEL_ENCODER
from .rules import Source

SOURCE = Source('FlashOCC', IMAGE + STEREO + VIEW + BEV_ENCODER + VOXEL_ENCODER + HEAD, SETTINGS)
