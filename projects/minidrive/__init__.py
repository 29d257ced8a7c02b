"""MiniDrive: a procedural driving data set in the formats of nuScenes, nuScenes-lidarseg and Occ3D."""

from .generator import Summary, generate
from .presets import PRESETS, TRAIN_SPLIT, VAL_SPLIT, VERSION, Preset, get_preset
from .truth import camera_depth

__all__ = [
    'PRESETS',
    'TRAIN_SPLIT',
    'VAL_SPLIT',
    'VERSION',
    'Preset',
    'Summary',
    'camera_depth',
    'generate',
    'get_preset',
]
