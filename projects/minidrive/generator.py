"""Generates a whole data set in the formats of nuScenes and Occ3D, scene by scene; see ``jobs`` for how it resumes.

The tables are assembled when all scenes are there.
"""

import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from .formats.nuscenes_record import record_scene
from .formats.nuscenes_tables import TABLE_NAMES, Record, Tokens, static_tables
from .formats.writer import write_json
from .jobs import Plan, Summary, generate_data_set
from .presets import GENERATOR_VERSION, VERSION, Preset, get_preset


def _write_scene(preset_name: str, seed: int, index: int, staging: Path) -> dict[str, list[Record]]:
    return record_scene(get_preset(preset_name), seed, index, staging)


def _write_tables(preset: Preset, seed: int, scenes: Iterable[dict[str, list[Record]]], staging: Path) -> None:
    tables: dict[str, list[Record]] = {name: [] for name in TABLE_NAMES}
    tables.update(static_tables(Tokens(preset.name, seed)))
    for scene in scenes:
        for name, rows in scene.items():
            tables[name] += rows
    for name, rows in tables.items():
        write_json(staging / VERSION / f'{name}.json', rows)
    write_json(staging / VERSION / 'splits.json', preset.split_names())


def generate(
    out_dir: str | Path,
    preset: str = 'mini',
    seed: int = 0,
    workers: int = 1,
    progress: bool = True,
    verify: bool = False,
) -> Summary:
    """Generate a MiniDrive data set, or finish one that was interrupted. Does nothing when it is complete.

    Args:
        out_dir (str | Path): Root of the data set.
        preset (str): A name of ``PRESETS``.
        seed (int): Seed; equal seeds give equal bytes, whatever the number of workers.
        workers (int): Number of processes.
        progress (bool): Show a progress bar.
        verify (bool): Read every file of a complete data set too, instead of comparing names and sizes.

    Raises:
        ValueError: If the preset is unknown, or the folder holds other data.
        FolderInUseError: If another process works in the folder.
        RuntimeError: If a worker failed.
    """
    chosen, root, begin = get_preset(preset), Path(out_dir), time.perf_counter()
    if seed < 0:
        raise ValueError(f'seed must be at least 0, got {seed}')
    plan = Plan(
        root=root,
        config={'preset': chosen.name, 'seed': seed, 'generator': GENERATOR_VERSION},
        names=[chosen.scene_name(i) for i in range(chosen.num_scenes)],
        write_scene=partial(_write_scene, chosen.name, seed),
        write_shared=partial(_write_tables, chosen, seed),
        shared=(VERSION,),
        title=f'MiniDrive {preset}' if progress else None,
    )
    outcome = generate_data_set(plan, workers, verify)
    samples = sum(len(tables['sample']) for tables in outcome.contents)
    return outcome.summary(root, samples, time.perf_counter() - begin)
