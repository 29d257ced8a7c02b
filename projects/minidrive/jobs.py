"""Generates a data set part by part, with several processes, and resumes where it stopped.

A part is made in a folder of its own (``OUT/.minidrive/<part>.*.part``), its files are moved to their places, and last
its record is written; see ``state``. One run at a time works in a folder; see ``projects.fileio.FolderLock``.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

from projects.fileio import FolderLock, start_worker

from .state import LOCK, Config, State

SHARED = 'shared'
"""Name of the part that holds the files that follow from all scenes."""
SceneWriter = Callable[[int, Path], Any]  # (index, empty folder) -> content of the scene's record, as JSON
SharedWriter = Callable[[Iterable[Any], Path], None]  # (contents of all scenes in order, empty folder)


@dataclass(frozen=True)
class Summary:
    """What a run did and what is on disk now.

    Args:
        out_dir (Path): Folder of the data set.
        scenes (int): Number of scenes.
        samples (int): Number of keyframes or stereo pairs.
        generated (int): Scenes that this run made.
        faults (tuple[str, ...]): What was wrong with parts that were finished before and had to be made again.
        bytes (int): Size of the scenes.
        seconds (float): Duration of the run.
    """

    out_dir: Path
    scenes: int
    samples: int
    generated: int
    faults: tuple[str, ...]
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """What a data set consists of.

    Args:
        root (Path): Its folder.
        config (dict): What it is made with; a folder never mixes them.
        names (Sequence[str]): Names of all scenes, in order.
        write_scene (Callable): Writes one scene; picklable.
        write_shared (Callable): Writes the files that follow from all scenes.
        shared (Sequence[str]): Those files or their folders below the root; absent until every scene is whole.
        title (str | None): Title of the progress bar; None shows no bar.
    """

    root: Path
    config: Config
    names: Sequence[str]
    write_scene: SceneWriter
    write_shared: SharedWriter
    shared: Sequence[str]
    title: str | None


@dataclass(frozen=True)
class Outcome:
    """A whole data set.

    Args:
        contents (list): What ``write_scene`` returned for each scene.
        files (dict[str, int]): Sizes in bytes of the files of the scenes, by their path below the root.
        generated (int): Scenes that this run made.
        faults (tuple[str, ...]): What was wrong with parts that were finished before and had to be made again.
    """

    contents: list[Any]
    files: dict[str, int]
    generated: int
    faults: tuple[str, ...]

    def summary(self, root: Path, samples: int, seconds: float) -> Summary:
        """What a run reports, with what its format alone knows."""
        size = sum(self.files.values())
        return Summary(root, len(self.contents), samples, self.generated, self.faults, size, seconds)


def _generate_scene(state: State, write_scene: SceneWriter, name: str, index: int) -> None:
    """Work of one process: generate one scene and publish it."""
    state.withdraw(name)
    with state.staging(name) as staging:
        content = write_scene(index, staging)
        state.publish(name, staging, content)


def _generate_shared(state: State, plan: Plan) -> None:
    with state.staging(SHARED) as staging:
        plan.write_shared([state.load(name)[0] for name in plan.names], staging)
        state.publish(SHARED, staging, None)


def _withdraw_shared(state: State, plan: Plan) -> None:
    """Take the shared files away at once, not one by one: readers must not see a part of them."""
    state.withdraw(SHARED)
    with state.staging(SHARED) as staging:
        for number, name in enumerate(plan.shared):
            if (plan.root / name).exists():
                os.rename(plan.root / name, staging / str(number))


def _start_worker(_: FolderLock) -> None:
    start_worker()


def _run(jobs: list[tuple[State, SceneWriter, str, int]], workers: int, lock: FolderLock) -> Iterator[None]:
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
    # The workers hold the lock as well: when this process is killed, the next one waits until they are gone.
    with ProcessPoolExecutor(
        min(workers, len(rest)), mp_context=get_context('spawn'), initializer=_start_worker, initargs=(lock,)
    ) as pool:
        futures = {pool.submit(_generate_scene, *job): job[2] for job in rest}
        try:
            for future in as_completed(futures):
                yield _result(future, futures[future])
        except BaseException:
            pool.shutdown(cancel_futures=True)  # finish the running scenes, start no other
            raise


def _result(future: Future, name: str) -> None:
    try:
        future.result()
    except BrokenProcessPool as error:
        raise RuntimeError(
            'a process that generated scenes was killed, perhaps for lack of memory; what is finished is kept: give '
            'the same command again, with fewer workers'
        ) from error
    except (OSError, ValueError) as error:
        raise RuntimeError(f'{name} was not generated: {error}') from error


def _find_faults(state: State, plan: Plan, by_content: bool) -> dict[str, str]:
    """What is wrong with each part that is not whole; '' for one that was never finished."""
    faults = {}
    for part in (*plan.names, SHARED):
        try:
            state.load(part, by_content)
        except FileNotFoundError:
            faults[part] = ''
        except ValueError as error:
            faults[part] = str(error)
    return faults


def _complete(state: State, plan: Plan, workers: int, lock: FolderLock, faults: dict[str, str]) -> None:
    """Make the parts that are not whole."""
    _withdraw_shared(state, plan)
    todo = [index for index, name in enumerate(plan.names) if name in faults]
    jobs = [(state, plan.write_scene, plan.names[index], index) for index in todo]
    scenes = len(plan.names)
    with tqdm(
        total=scenes, initial=scenes - len(todo), desc=plan.title, unit='scene', disable=plan.title is None
    ) as bar:
        for _ in _run(jobs, workers, lock):
            bar.update()
    _generate_shared(state, plan)


def generate_data_set(plan: Plan, workers: int = 1, verify: bool = False) -> Outcome:
    """Generate a data set, or finish one that was interrupted.

    A finished one is known by its records and the names and sizes of its files, without writing anything. Otherwise,
    the parts that are there are taken over if the content of every file is that of their records.

    Args:
        plan (Plan): The data set.
        workers (int): Number of processes. Defaults to 1.
        verify (bool): Whether to read every file of a finished data set too. Defaults to False.

    Raises:
        ValueError: If the folder holds other data.
        FolderInUseError: If another process works in the folder.
        RuntimeError: If a worker failed.
    """
    state = State(plan.root, plan.config)
    lock, faults = FolderLock(plan.root, state.folder / LOCK), None
    if state.has_config() and lock.is_idle() and not verify:
        faults = _find_faults(state, plan, by_content=False)
    if faults != {}:
        state.folder.mkdir(parents=True, exist_ok=True)
        with lock:
            if not state.has_config():
                state.write_config()
            if lock.held:
                state.clear_leftovers()
            faults = _find_faults(state, plan, by_content=True)
            if faults:
                _complete(state, plan, workers, lock, faults)
    loaded = [state.load(name) for name in plan.names]
    return Outcome(
        contents=[content for content, _ in loaded],
        files={name: size for _, files in loaded for name, (size, _) in files.items()},
        generated=sum(part != SHARED for part in faults),
        faults=tuple(filter(None, faults.values())),
    )
