"""Generates scenes with several processes and resumes where it stopped.

A scene is rendered into ``OUT/.minidrive/<scene>.part``, its files are moved to their places, and last its records are
written to ``OUT/.minidrive/<scene>.json``; only that file makes it whole.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .writer import publish, write_json

STATE = '.minidrive'
SceneWriter = Callable[[int, Path], Any]  # (index, empty folder) -> records of the scene, as JSON


@dataclass(frozen=True)
class Summary:
    """What a run did and what is on disk now; ``samples`` are keyframes or stereo pairs."""

    out_dir: Path
    scenes: int
    samples: int
    generated: int
    bytes: int
    seconds: float


def _record_path(root: Path, name: str) -> Path:
    return root / STATE / f'{name}.json'


def read_record(root: Path, name: str) -> dict:
    """Record of a whole scene: its ``files`` (sizes in bytes by relative path) and its ``tables``."""
    return json.loads(_record_path(root, name).read_text())


def is_whole(root: Path, name: str) -> bool:
    """Whether a scene is finished and every file of it is still there in its size."""
    if not _record_path(root, name).is_file():
        return False
    files = read_record(root, name)['files']
    return all((root / f).is_file() and (root / f).stat().st_size == size for f, size in files.items())


def check_config(root: Path, config: dict) -> None:
    """Refuse to mix data sets: a folder belongs to one format, one preset, one seed and one version of the generator.

    Raises:
        ValueError: If the folder holds other data.
    """
    path = root / STATE / 'config.json'
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


def _generate_scene(write_scene: SceneWriter, name: str, index: int, root: Path) -> None:
    """Work of one process: generate one scene and publish it."""
    staging = root / STATE / f'{name}.part'
    shutil.rmtree(staging, ignore_errors=True)
    _record_path(root, name).unlink(missing_ok=True)
    staging.mkdir(parents=True)
    tables = write_scene(index, staging)
    files = publish(staging, root)
    shutil.rmtree(staging)
    write_json(_record_path(root, name), {'files': files, 'tables': tables})


def _run(jobs: list[tuple[SceneWriter, str, int, Path]], workers: int) -> Iterator[None]:
    if not jobs:
        return
    # The first scene runs here: it compiles the kernels once, and the processes load them from the disk cache.
    yield _generate_scene(*jobs[0])
    rest = jobs[1:]
    if workers <= 1:
        for job in rest:
            yield _generate_scene(*job)
        return
    if not rest:
        return
    with ProcessPoolExecutor(min(workers, len(rest)), mp_context=get_context('spawn')) as pool:
        futures = [pool.submit(_generate_scene, *job) for job in rest]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # finish the running scenes, start no other
            raise


def generate_scenes(
    root: Path, names: Sequence[str], todo: Sequence[int], write_scene: SceneWriter, workers: int, title: str | None
) -> None:
    """Generate the scenes ``todo`` (indices into ``names``).

    Args:
        root (Path): Folder of the data set.
        names (Sequence[str]): Names of all scenes, in order.
        todo (Sequence[int]): Indices of the scenes to generate.
        write_scene (SceneWriter): Writes one scene; picklable.
        workers (int): Number of processes.
        title (str | None): Title of the progress bar; None shows no bar.
    """
    jobs = [(write_scene, names[index], index, root) for index in todo]
    with tqdm(total=len(names), initial=len(names) - len(todo), desc=title, unit='scene', disable=title is None) as bar:
        for _ in _run(jobs, workers):
            bar.update()
