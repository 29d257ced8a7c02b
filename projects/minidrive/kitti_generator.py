"""Generates MiniDrive in the KITTI layout: ``raw/<date>/<drive>``, ``depth/{train,val}/<drive>`` and ``splits/*.txt``.

Every scene is one drive of one car with its own date, calibration file, camera height, pitch and focal length. Scenes
of ``minidrive_train`` have their maps in ``depth/train``, all others in ``depth/val``.
"""

import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from .formats.kitti_files import drive_name
from .formats.kitti_record import record_drive
from .formats.writer import write_bytes
from .jobs import Plan, Summary, generate_data_set
from .presets import KITTI_PRESETS

KITTI_GENERATOR_VERSION = 1  # raised when the same seed gives other bytes


def _record_drive(preset_name: str, seed: int, index: int, staging: Path) -> dict[str, list[str]]:
    return record_drive(KITTI_PRESETS[preset_name], seed, index, staging)


def _list_file(split: str) -> str:
    return f'splits/{split}.txt'


def _write_lists(splits: Sequence[str], drives: Iterable[dict[str, list[str]]], staging: Path) -> None:
    lists: dict[str, list[str]] = {split: [] for split in splits}
    for drive in drives:
        for split, lines in drive.items():
            lists[split] += lines
    for split, lines in lists.items():
        write_bytes(staging / _list_file(split), ('\n'.join(lines) + '\n').encode())


def generate_kitti(
    out_dir: str | Path,
    preset: str = 'mini',
    seed: int = 0,
    workers: int = 1,
    progress: bool = True,
    verify: bool = False,
) -> Summary:
    """Generate MiniDrive in the KITTI layout, or finish a run that was interrupted. Does nothing when it is complete.

    Args:
        out_dir (str | Path): Root of the data set.
        preset (str): One of :data:`KITTI_PRESETS`.
        seed (int): Seed; equal seeds give equal bytes, whatever the number of workers.
        workers (int): Number of processes.
        progress (bool): Show a progress bar.
        verify (bool): Read every file of a complete data set too, instead of comparing names and sizes.

    Returns:
        Summary: What was done; ``samples`` are stereo pairs.

    Raises:
        ValueError: If the preset is unknown, or the folder holds other data.
        FolderInUseError: If another process works in the folder.
        RuntimeError: If a worker failed.
    """
    if preset not in KITTI_PRESETS:
        raise ValueError(f'unknown preset {preset!r} of the KITTI format; choose one of {sorted(KITTI_PRESETS)}')
    if seed < 0:
        raise ValueError(f'seed must be at least 0, got {seed}')
    chosen, root, begin = KITTI_PRESETS[preset], Path(out_dir), time.perf_counter()
    splits = tuple(chosen.split_names())
    plan = Plan(
        root=root,
        config={'format': 'kitti', 'preset': preset, 'seed': seed, 'kitti_generator': KITTI_GENERATOR_VERSION},
        names=[drive_name(i) for i in range(chosen.num_scenes)],
        write_scene=partial(_record_drive, preset, seed),
        write_shared=partial(_write_lists, splits),
        shared=tuple(map(_list_file, splits)),
        title=f'MiniDrive KITTI {preset}' if progress else None,
    )
    outcome = generate_data_set(plan, workers, verify)
    samples = sum(len(lines) for drive in outcome.contents for lines in drive.values())
    return outcome.summary(root, samples, time.perf_counter() - begin)
