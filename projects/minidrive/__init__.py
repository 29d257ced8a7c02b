"""MiniDrive: a procedural driving data set in the formats of nuScenes, nuScenes-lidarseg, Occ3D and KITTI."""

from .generator import generate
from .jobs import Summary
from .kitti_generator import generate_kitti
from .label_generator import AGGREGATED, generate_labels
from .presets import CALIB_SPLIT, KITTI_PRESETS, PRESETS, TRAIN_SPLIT, VAL_SPLIT, VERSION, Preset, get_preset
from .sensors.label_noise import LabelNoise
from .truth import camera_depth

__all__ = [
    'AGGREGATED',
    'CALIB_SPLIT',
    'KITTI_PRESETS',
    'PRESETS',
    'TRAIN_SPLIT',
    'VAL_SPLIT',
    'VERSION',
    'LabelNoise',
    'Preset',
    'Summary',
    'camera_depth',
    'generate',
    'generate_kitti',
    'generate_labels',
    'get_preset',
]
