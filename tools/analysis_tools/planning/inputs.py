"""What a config says of its data: sizes of images, points, samples."""

from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from projects.minidrive.presets import KITTI_PRESETS, PRESETS, Preset

POINTS_PER_SWEEP = 34_720
"""Returns of the 32-beam LiDAR of nuScenes in one sweep (1,085 columns)."""
NUM_CAMS = 6
WIDEST_CAMERA = 110.0
"""Degrees that the back camera of nuScenes sees; a camera sees that part of the cells around the car."""


def _frames(preset: Preset) -> int:
    return round(preset.train_scenes * sum(preset.keyframes) / 2)


TRAIN_SAMPLES = {
    ('data/nuscenes', 'occ3d-nus_infos_train.pkl'): 28_130,
    ('data/kitti', 'kitti-depth-eigen_infos_train.pkl'): 23_158,
    ('data/kitti', 'kitti-depth-official_infos_train.pkl'): 42_949,
    ('data/drivingstereo', 'drivingstereo_infos_train.pkl'): 174_437,
    ('data/minidrive', 'occ3d-nus_infos_train.pkl'): _frames(PRESETS['mini']),
    ('data/minidrive-kitti', 'kitti-depth_infos_train.pkl'): _frames(KITTI_PRESETS['mini']),
}
"""Training samples by data root and info file; those of MiniDrive are of its preset 'mini'."""


@dataclass(frozen=True)
class DataPlan:
    """Sizes of one training sample.

    Args:
        image_size (tuple[int, int]): Height and width of the network input; (0, 0) without images.
        points (int): LiDAR points.
        batch (int): Samples a GPU. Defaults to 1.
        samples (int, optional): Samples of the training set. Defaults to None: they are not known.
    """

    image_size: tuple[int, int]
    points: int
    batch: int = 1
    samples: int | None = None


def read_data(cfg: Config) -> DataPlan:
    """Sizes of the training data of a config."""
    loader = cfg.train_dataloader
    nested = [inner for step in loader.dataset.pipeline for inner in step.get('transforms', [])]
    steps: dict[str, Any] = {step['type']: step for step in [*nested, *loader.dataset.pipeline]}
    image_size = (0, 0)
    for kind, key in (('MultiViewImageAug', 'final_dim'), ('StereoCrop', 'size')):
        if kind in steps:
            image_size = tuple(steps[kind][key])
    sweeps = 1 + steps['LoadLidarSweeps']['num_sweeps'] if 'LoadLidarSweeps' in steps else 1
    points = POINTS_PER_SWEEP * sweeps if 'LoadLidarPoints' in steps else 0
    known = TRAIN_SAMPLES.get((loader.dataset.data_root, loader.dataset.ann_file))
    return DataPlan(image_size, points, loader.batch_size, known)
