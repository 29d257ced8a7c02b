"""Scoring of many frames: a pool of processes, sums instead of results, and parts on disk to resume from.

Frames are scored in chunks. A chunk returns the sums of its frames and the names of those that could not be scored. It
is written to a folder beside the report at once, with its checksum, and a later run with the same options takes over
chunks that are whole and whose files have not changed.
"""

import hashlib
import json
import multiprocessing
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from projects.fileio import atomic_write, file_below, start_worker

from .files import Frame

CHUNK = 32
Scores = dict[str, Any]
"""Results of one frame: integer arrays, which are summed, and floats, which are listed."""


@dataclass
class Totals:
    """What all frames add up to.

    Args:
        sums (dict[str, np.ndarray]): Sums of the arrays by name.
        values (dict[str, list[float]]): All floats by name.
        frames (int): Number of scored frames.
        errors (list[dict]): ``token``, ``file`` and ``error`` of each frame that could not be scored.
        resumed (int): Frames taken over from an earlier run.
        stopped (bool): Whether the run ended at its first error.
    """

    sums: dict[str, np.ndarray] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)
    frames: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)
    resumed: int = 0
    stopped: bool = False

    def add(self, scores: Scores) -> None:
        """Add one frame, or the sums and lists of another chunk."""
        for name, value in scores.items():
            if isinstance(value, float):
                self.values.setdefault(name, []).append(value)
            elif name in self.sums:
                self.sums[name] = self.sums[name] + value
            else:
                self.sums[name] = value

    def merge(self, record: dict[str, Any]) -> None:
        """Add a chunk as :func:`score_chunk` returns it."""
        self.add({name: np.array(value, np.int64) for name, value in record['sums'].items()})
        for name, values in record['values'].items():
            self.values.setdefault(name, []).extend(values)
        self.frames += len(record['done'])
        self.errors += record['errors']


def _state(frame: Frame) -> list[Any]:
    """Token, sizes and times of the files of a frame: when they are the same, so is the result."""
    stats = [os.stat(path) for path in (frame.label, frame.pred)]
    return [frame.token, frame.origins, *(n for s in stats for n in (s.st_size, s.st_mtime_ns))]


def _still_holds(record: dict[str, Any], wanted: dict[str, Frame]) -> bool:
    """Whether all frames of a part are wanted, and their files are those that were scored."""
    try:
        return all(state[0] in wanted and state == _state(wanted[state[0]]) for state in record['done'])
    except OSError:
        return False


def score_chunk(frames: Sequence[Frame], score: Callable[[Frame], Scores], strict: bool) -> dict[str, Any]:
    """Score some frames; a frame that fails is named and left out.

    Returns:
        dict: ``done`` (state of each scored frame), ``sums``, ``values`` and ``errors``; plain Python, ready for JSON.
    """
    totals, done = Totals(), []
    for frame in frames:
        try:
            state = _state(frame)
            scores = score(frame)
        except Exception as error:  # whatever is wrong with a file must not end the run
            kind = '' if isinstance(error, (ValueError, OSError)) else f'{type(error).__name__}: '
            totals.errors.append({'token': frame.token, 'file': frame.pred, 'error': f'{kind}{error}'})
            if strict:
                break
            continue
        totals.add(scores)
        done.append(state)
    sums = {name: value.tolist() for name, value in totals.sums.items()}
    return {'done': done, 'sums': sums, 'values': totals.values, 'errors': totals.errors}


def _checksum(record: dict[str, Any]) -> str:
    """SHA-256 of all of a record but its checksum."""
    content = {key: value for key, value in record.items() if key != 'sha256'}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Parts:
    """Folder with the finished chunks of a run.

    Args:
        folder (str or PathLike): Where to keep them.
        options (Any): What the results depend on besides the files; parts of other options are dropped.
    """

    def __init__(self, folder: str | os.PathLike, options: Any) -> None:
        self.folder = Path(folder)
        self.key = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:16]

    def load(self, frames: Sequence[Frame]) -> tuple[list[dict[str, Any]], list[Frame]]:
        """Return the records that still hold, and the frames that none of them covers."""
        wanted = {frame.token: frame for frame in frames}
        records = []
        for path in sorted(self.folder.glob('*.json')):
            record = self._read(path)
            if record is None or not _still_holds(record, wanted):
                path.unlink(missing_ok=True)
                continue
            for state in record['done']:
                del wanted[state[0]]
            records.append(record)
        return records, list(wanted.values())

    def _read(self, path: Path) -> dict[str, Any] | None:
        """Record of a part of these options, None for those of others and for one that is not as it was written."""
        if not path.name.startswith(self.key):
            return None
        try:
            record = json.loads(path.read_text(encoding='utf-8'))
            whole = record['sha256'] == _checksum(record)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            whole = False
        if not whole:
            warnings.warn(f'{path} is not as it was written; its frames are scored again', stacklevel=2)
            return None
        return record

    def save(self, record: dict[str, Any]) -> None:
        """Keep the scored frames of a chunk; frames with errors are tried again by the next run."""
        if record['done']:
            path = file_below(self.folder, f'{self.key}-{record["done"][0][0]}', '.json')
            kept = {**record, 'errors': []}
            with atomic_write(path, 'w') as file:
                json.dump({**kept, 'sha256': _checksum(kept)}, file)

    def clear(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


_WORKER: dict[str, Callable[[Frame], Scores]] = {}


def _start(score: Callable[[Frame], Scores]) -> None:
    """Begin a worker, which gets ``score`` here once and not with every chunk: it may hold a table of all frames."""
    start_worker()
    _WORKER['score'] = score


def _score_in_worker(frames: Sequence[Frame], strict: bool) -> dict[str, Any]:
    return score_chunk(frames, _WORKER['score'], strict)


def _run(
    chunks: list[list[Frame]], score: Callable[[Frame], Scores], workers: int, strict: bool
) -> Iterator[dict[str, Any]]:
    if workers <= 1 or len(chunks) <= 1:
        for chunk in chunks:
            yield score_chunk(chunk, score, strict)
        return
    # Spawned, not forked: a fork copies locks that threads of the parent hold.
    context = multiprocessing.get_context('spawn')
    pool = ProcessPoolExecutor(min(workers, len(chunks)), mp_context=context, initializer=_start, initargs=(score,))
    try:
        futures: list[Future] = [pool.submit(_score_in_worker, chunk, strict) for chunk in chunks]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise RuntimeError(
            'a worker process died, of too little memory perhaps: start again with fewer --workers (with --json it '
            'goes on from the finished frames)'
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def score_frames(
    frames: Sequence[Frame],
    score: Callable[[Frame], Scores],
    workers: int = 1,
    parts: Parts | None = None,
    strict: bool = False,
    progress: bool = True,
) -> Totals:
    """Score all frames.

    Args:
        frames (Sequence[Frame]): The frames.
        score (Callable): Scores of a frame; must be picklable.
        workers (int): Processes. Defaults to 1, which runs in this process.
        parts (Parts | None): Where to keep finished chunks. Defaults to None (nowhere).
        strict (bool): Whether to stop at the first error. Defaults to False.
        progress (bool): Whether to show a progress bar. Defaults to True.

    Returns:
        Totals: The same for any number of workers, but for the order of lists.
    """
    totals = Totals()
    if parts is not None:
        records, frames = parts.load(frames)
        for record in records:
            totals.merge(record)
        totals.resumed = totals.frames
    chunks = [list(frames[i : i + CHUNK]) for i in range(0, len(frames), CHUNK)]
    with tqdm(total=totals.frames + len(frames), initial=totals.frames, unit='frame', disable=not progress) as bar:
        for record in _run(chunks, score, workers, strict):
            if parts is not None:
                parts.save(record)
            totals.merge(record)
            bar.update(len(record['done']) + len(record['errors']))
            if strict and record['errors']:
                totals.errors, totals.stopped = record['errors'][:1], True
                break
    return totals
