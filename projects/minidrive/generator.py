"""Generates a whole data set with several processes, scene by scene, and resumes where it stopped.

A scene is rendered into ``OUT/.minidrive/<scene>.part``, its files are moved to their places, and last its records are
written to ``OUT/.minidrive/<scene>.json``; only that file makes it whole. The tables are assembled when all are there.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from .presets import GENERATOR_VERSION, VERSION, Preset, get_preset
from .record import record_scene
from .tables import TABLE_NAMES, Tokens, static_tables
from .writer import publish, write_json

STATE = '.minidrive'


@dataclass(frozen=True)
class Summary:
    """What a call of :func:`generate` did and what is on disk now."""

    out_dir: Path
    scenes: int
    samples: int
    generated: int
    bytes: int
    seconds: float


def _record_path(root: Path, name: str) -> Path:
    return root / STATE / f'{name}.json'


def _is_whole(root: Path, name: str) -> bool:
    """Whether a scene is finished and every file of it is still there in its size."""
    path = _record_path(root, name)
    if not path.is_file():
        return False
    files = json.loads(path.read_text())['files']
    return all((root / f).is_file() and (root / f).stat().st_size == size for f, size in files.items())


def _generate_scene(preset_name: str, seed: int, index: int, out_dir: str) -> str:
    """Work of one process: generate one scene and publish it."""
    preset, root = get_preset(preset_name), Path(out_dir)
    name = preset.scene_name(index)
    staging = root / STATE / f'{name}.part'
    shutil.rmtree(staging, ignore_errors=True)
    _record_path(root, name).unlink(missing_ok=True)
    staging.mkdir(parents=True)
    tables = record_scene(preset, seed, index, staging)
    files = publish(staging, root)
    shutil.rmtree(staging)
    write_json(_record_path(root, name), {'files': files, 'tables': tables})
    return name


def _check_config(root: Path, preset: Preset, seed: int) -> None:
    """Refuse to mix data sets: a folder belongs to one preset, one seed and one version of the generator."""
    path = root / STATE / 'config.json'
    config = {'preset': preset.name, 'seed': seed, 'generator': GENERATOR_VERSION}
    if path.is_file():
        found = json.loads(path.read_text())
        if found != config:
            raise ValueError(
                f'{root} holds MiniDrive data of {found}, but {config} was asked for; '
                'choose another folder or delete it'
            )
    elif root.is_dir() and any(root.iterdir()):
        raise ValueError(f'{root} is not empty and holds no MiniDrive data ({path} is missing); choose another folder')
    else:
        write_json(path, config)


def _run(preset: Preset, seed: int, todo: list[int], root: Path, workers: int) -> Iterator[str]:
    if not todo:
        return
    # The first scene runs here: it compiles the kernels once, and the processes load them from the disk cache.
    yield _generate_scene(preset.name, seed, todo[0], str(root))
    rest = todo[1:]
    if workers <= 1:
        for index in rest:
            yield _generate_scene(preset.name, seed, index, str(root))
        return
    if not rest:
        return
    with ProcessPoolExecutor(min(workers, len(rest)), mp_context=get_context('spawn')) as pool:
        futures = [pool.submit(_generate_scene, preset.name, seed, index, str(root)) for index in rest]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # finish the running scenes, start no other
            raise


def _write_tables(root: Path, preset: Preset, seed: int) -> None:
    tables = {name: [] for name in TABLE_NAMES}
    tables.update(static_tables(Tokens(preset.name, seed)))
    for index in range(preset.num_scenes):
        record = json.loads(_record_path(root, preset.scene_name(index)).read_text())
        for name, rows in record['tables'].items():
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
    _check_config(root, chosen, seed)
    todo = [i for i in range(chosen.num_scenes) if not _is_whole(root, chosen.scene_name(i))]
    if todo:
        shutil.rmtree(root / VERSION, ignore_errors=True)
    bar = tqdm(
        total=chosen.num_scenes,
        initial=chosen.num_scenes - len(todo),
        desc=f'MiniDrive {preset}',
        unit='scene',
        disable=not progress,
    )
    with bar:
        for _ in _run(chosen, seed, todo, root, workers):
            bar.update()
    if todo or not (root / VERSION).is_dir():
        _write_tables(root, chosen, seed)
    files: dict[str, int] = {}
    for index in range(chosen.num_scenes):
        files |= json.loads(_record_path(root, chosen.scene_name(index)).read_text())['files']
    samples = sum(name.startswith('gts/') for name in files)
    return Summary(root, chosen.num_scenes, samples, len(todo), sum(files.values()), time.perf_counter() - begin)
