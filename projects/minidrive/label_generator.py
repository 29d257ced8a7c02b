"""Writes aggregated labels beside the exact ones of a data set in the format of nuScenes, scene by scene.

The labels are a data set of their own below that folder, with records of their own (see ``jobs`` for how it resumes):
labels with other mistakes stand in another folder beside them.
"""

import dataclasses
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from .formats.aggregated_record import record_aggregated_labels
from .jobs import Plan, Summary, generate_data_set
from .presets import GENERATOR_VERSION, VERSION, get_preset
from .sensors.label_noise import LabelNoise
from .state import read_config

AGGREGATED = 'gts_aggregated'
"""Folder of aggregated labels below that of the data set."""
_LABEL_VERSION = 1  # raised when the same data give other labels


def _write_scene(preset_name: str, seed: int, noise: LabelNoise, index: int, staging: Path) -> int:
    return record_aggregated_labels(get_preset(preset_name), seed, index, noise, staging)


def _write_nothing(_: Iterable[int], __: Path) -> None:
    """No file follows from all scenes."""


def generate_labels(
    dataroot: str | Path,
    noise: LabelNoise | None = None,
    folder: str = AGGREGATED,
    workers: int = 1,
    progress: bool = True,
    verify: bool = False,
) -> Summary:
    """Write aggregated labels of a MiniDrive data set, or finish what was interrupted. Does nothing when all are there.

    Args:
        dataroot (str | Path): Root of a whole data set in the format of nuScenes.
        noise (LabelNoise | None): Mistakes of the annotators. Defaults to None: no mistakes.
        folder (str): Folder of these labels below the root. Defaults to ``gts_aggregated``.
        workers (int): Number of processes.
        progress (bool): Show a progress bar.
        verify (bool): Read every file of complete labels too, instead of comparing names and sizes.

    Raises:
        FileNotFoundError: If there is no whole MiniDrive data set in the format of nuScenes.
        ValueError: If ``folder`` is no name of a folder, or holds other data or labels of other mistakes.
        FolderInUseError: If another process works in the folder.
        RuntimeError: If a worker failed.
    """
    root, noise, begin = Path(dataroot), noise or LabelNoise(), time.perf_counter()
    if Path(folder).name != folder or folder in ('', '..', 'gts'):
        raise ValueError(f"the folder of aggregated labels must be one name, and not 'gts', got {folder!r}")
    if not (root / VERSION).is_dir():
        raise FileNotFoundError(
            f'{root} holds no whole MiniDrive data set in the format of nuScenes ({root / VERSION} is missing); '
            'make it with tools/create_minidrive.py'
        )
    config = read_config(root)
    if config.get('generator') != GENERATOR_VERSION:
        raise ValueError(f'{root} holds MiniDrive data of {config}, but this is generator {GENERATOR_VERSION}')
    preset, seed = get_preset(str(config['preset'])), int(config['seed'])
    plan = Plan(
        root=root / folder,
        config={**config, 'labels': _LABEL_VERSION, **dataclasses.asdict(noise)},
        names=[preset.scene_name(i) for i in range(preset.num_scenes)],
        write_scene=partial(_write_scene, preset.name, seed, noise),
        write_shared=_write_nothing,
        shared=(),
        title=f'labels {preset.name}' if progress else None,
    )
    outcome = generate_data_set(plan, workers, verify)
    return outcome.summary(plan.root, sum(outcome.contents), time.perf_counter() - begin)
