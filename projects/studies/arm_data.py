"""What a study of many arms trains on: MiniDrive in the format of a task, and the info files of its splits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from mmengine.config import Config

from .demo import ROOT


@dataclass(frozen=True)
class ArmData:
    """Data of one task.

    Args:
        task (str): 'occupancy' or 'depth'.
        create (tuple[str, ...]): Further options of ``tools/create_minidrive.py``.
        convert (tuple[str, ...]): Data set of ``tools/create_data.py`` and its options.
        infos (str): Name of an info file, with ``{}`` for the split (train, calib, val).
        keys (frozenset[str]): Keys that a study of this task has besides those of all. Defaults to none.
        amp (bool): Whether its arms may train in bfloat16 autocast. Defaults to True.
        labels (Mapping[str, str]): Folder of each kind of labels besides the exact ones, by what
            ``tools/create_minidrive.py --labels`` calls it. Defaults to none.
    """

    task: str
    create: tuple[str, ...]
    convert: tuple[str, ...]
    infos: str
    keys: frozenset[str] = frozenset()
    amp: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)


DATA = {
    'Occ3DNuScenesDataset': ArmData(
        'occupancy',
        (),
        ('occ3d-nus', '--version', 'v1.0-minidrive'),
        'occ3d-nus_infos_{}.pkl',
        frozenset({'rays'}),
        labels={'aggregated': 'gts_aggregated'},
    ),
    # Depth is slower in bfloat16 on many processors.
    'KITTIDepthDataset': ArmData(
        'depth', ('--format', 'kitti'), ('kitti-depth',), 'kitti-depth_infos_{}.pkl', amp=False
    ),
}
"""By the data set of the student's config."""


@cache
def read_config(path: str) -> Config:
    """A config, from the root of the repository on; read once, for the runs of a study are many. Do not write to it."""
    return Config.fromfile(ROOT / path)


def data_of(student: str) -> ArmData:
    """Data of the task of a student.

    Args:
        student (str): Its config, from the root of the repository on.

    Raises:
        ValueError: If a study cannot measure its task.
    """
    kind = read_config(student).val_dataloader.dataset.type
    if kind not in DATA:
        raise ValueError(f'{student} is validated on {kind}; a study measures students of {sorted(DATA)}')
    return DATA[kind]
