"""Generates a whole data set in the formats of nuScenes and Occ3D, scene by scene; see ``jobs`` for how it resumes.

The tables are assembled when all scenes are there.
"""

import os
import shutil
import time
from functools import partial
from pathlib import Path

from .jobs import STATE, Summary, check_config, generate_scenes, is_whole, read_record
from .presets import GENERATOR_VERSION, VERSION, Preset, get_preset
from .record import record_scene
from .tables import TABLE_NAMES, Record, Tokens, static_tables
from .writer import write_json


def _write_scene(preset_name: str, seed: int, index: int, staging: Path) -> dict[str, list[Record]]:
    return record_scene(get_preset(preset_name), seed, index, staging)


def _write_tables(root: Path, preset: Preset, seed: int) -> None:
    tables = {name: [] for name in TABLE_NAMES}
    tables.update(static_tables(Tokens(preset.name, seed)))
    for index in range(preset.num_scenes):
        for name, rows in read_record(root, preset.scene_name(index))['tables'].items():
            tables[name] += rows
    staging = root / STATE / f'{VERSION}.part'
    shutil.rmtree(staging, ignore_errors=True)
    for name, rows in tables.items():
        write_json(staging / f'{name}.json', rows)
    write_json(staging / 'splits.json', preset.split_names())
    shutil.rmtree(root / VERSION, ignore_errors=True)
    os.replace(staging, root / VERSION)


def generate(
    out_dir: str | Path, preset: str = 'mini', seed: int = 0, workers: int = 1, progress: bool = True
) -> Summary:
    """Generate a MiniDrive data set, or finish one that was interrupted. Does nothing when it is complete.

    Args:
        out_dir (str | Path): Root of the data set.
        preset (str): ``tiny``, ``mini`` or ``bench``.
        seed (int): Seed; equal seeds give equal bytes, whatever the number of workers.
        workers (int): Number of processes.
        progress (bool): Show a progress bar.

    Raises:
        ValueError: If the preset is unknown, or the folder holds other data.
    """
    chosen, root, begin = get_preset(preset), Path(out_dir), time.perf_counter()
    if seed < 0:
        raise ValueError(f'seed must be at least 0, got {seed}')
    check_config(root, {'preset': chosen.name, 'seed': seed, 'generator': GENERATOR_VERSION})
    names = [chosen.scene_name(i) for i in range(chosen.num_scenes)]
    todo = [i for i, name in enumerate(names) if not is_whole(root, name)]
    if todo:
        shutil.rmtree(root / VERSION, ignore_errors=True)
    write_scene = partial(_write_scene, chosen.name, seed)
    generate_scenes(root, names, todo, write_scene, workers, f'MiniDrive {preset}' if progress else None)
    if todo or not (root / VERSION).is_dir():
        _write_tables(root, chosen, seed)
    files: dict[str, int] = {}
    for name in names:
        files |= read_record(root, name)['files']
    samples = sum(name.startswith('gts/') for name in files)
    return Summary(root, chosen.num_scenes, samples, len(todo), sum(files.values()), time.perf_counter() - begin)
