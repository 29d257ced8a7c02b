"""What the trainings of a study logged and cost."""

import contextlib
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from projects.fileio import BadFileError, parse_json, read_text, read_whole

_LOGS = '*/vis_data/scalars.json'
COST_COLUMNS = ('training step (s)', 'peak memory (MiB)')


@dataclass
class RunLog:
    """What MMEngine's logger hook wrote for one run, and how much memory it took.

    Args:
        steps (list[dict[str, float]]): Training records in order, each with ``step``, ``time`` and its losses.
        validations (list[dict[str, float]]): Validation records in order, each with ``step`` (the epoch).
        peak_mb (float): Peak resident memory of the process in MiB. Defaults to NaN (not known).
    """

    steps: list[dict[str, float]] = field(default_factory=list)
    validations: list[dict[str, float]] = field(default_factory=list)
    peak_mb: float = math.nan

    def curve(self, key: str) -> tuple[list[float], list[float]]:
        """Give the steps and the values of one logged training quantity, in order."""
        records = [record for record in self.steps if key in record]
        return [record['step'] for record in records], [record[key] for record in records]

    def loss_names(self) -> list[str]:
        """Names of all logged losses, the total first."""
        names = {key for record in self.steps for key in record if 'loss' in key}
        return sorted(names, key=lambda name: (name != 'loss', name))

    def median_step_time(self) -> float:
        """Median time of a training step in seconds; the first record, which warms up, does not count.

        Raises:
            ValueError: If the run logged no training step.
        """
        times = [record['time'] for record in self.steps if 'time' in record]
        if not times:
            raise ValueError('the run logged no training step with a time')
        return statistics.median(times[1:] or times)

    def seconds(self) -> float:
        """Time of all steps at the median time of a step, which neither interruptions nor validations add to.

        CPU time of the process where the run logged it (:class:`CPUTimeHook`), since runs beside each other slow each
        other down; wall time otherwise.

        Raises:
            ValueError: If the run logged no training step.
        """
        times = [record['cpu_time'] for record in self.steps if 'cpu_time' in record]
        step = statistics.median(times[1:] or times) if times else self.median_step_time()
        return step * self.steps[-1]['step']

    def costs_as_json(self) -> dict[str, float]:
        """Time of a step and memory as plain data."""
        return {'step_s': round(self.median_step_time(), 4), 'peak_mb': round(self.peak_mb, 1)}

    def costs_as_text(self) -> list[str]:
        """The same for a table with ``COST_COLUMNS``."""
        return [f'{self.median_step_time():.2f}', f'{self.peak_mb:.0f}']

    def losses_as_json(self) -> dict[str, list[float]]:
        """First and last value of each loss."""
        curves = {name: self.curve(name)[1] for name in self.loss_names()}
        return {name: [values[0], values[-1]] for name, values in curves.items()}


def _records(file: Path) -> Iterator[dict[str, float]]:
    """Lines of a log; half a last line, which a run that was killed leaves behind, is left out.

    Raises:
        BadFileError: If another line is no record with a step; the message names the line.
    """
    lines = read_whole(file).split(b'\n')
    unfinished = lines.pop()
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _record(line, f'line {number} of {file}')
    if unfinished.strip():
        with contextlib.suppress(BadFileError):  # whole, but for its line end, or half
            yield _record(unfinished, f'the last line of {file}')


def _record(line: bytes, where: str) -> dict[str, float]:
    record = parse_json(line, where, 'delete the line, or train again')
    if not isinstance(record, dict) or not isinstance(record.get('step'), int):
        raise BadFileError(f"{where} is no record with a 'step': {line[:60]!r}; delete it, or train again")
    return record


def has_run_log(work_dir: str | Path) -> bool:
    """Whether a run has logged anything, also one that has not finished or whose checkpoints are gone."""
    return any(file.stat().st_size for file in Path(work_dir).glob(_LOGS))


def read_run_log(work_dir: str | Path) -> RunLog:
    """Read every ``vis_data/scalars.json`` of a work directory.

    A resumed run has one file per start; a step that stands in two of them counts as the later start wrote it.

    Raises:
        FileNotFoundError: If the directory holds no log.
        ValueError: If a line of a log is damaged.
    """
    files = sorted(Path(work_dir).glob(_LOGS))
    if not files:
        raise FileNotFoundError(f'{work_dir} holds no {_LOGS}; has this run been trained?')
    steps: dict[int, dict[str, float]] = {}
    validations: dict[int, dict[str, float]] = {}
    for file in files:
        for record in _records(file):
            target = steps if 'loss' in record else validations
            target[int(record['step'])] = record
    return RunLog([steps[k] for k in sorted(steps)], [validations[k] for k in sorted(validations)])


def last_checkpoint(run: Path) -> Path:
    """Path of the newest checkpoint of a work directory, as the training wrote it down.

    Raises:
        FileNotFoundError: If the run has none.
    """
    pointer = run / 'last_checkpoint'
    if not pointer.is_file():
        raise FileNotFoundError(f'{pointer} not found; the run {run.name} has not been trained')
    return run / Path(read_text(pointer).strip()).name
