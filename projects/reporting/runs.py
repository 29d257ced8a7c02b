"""Run a command and keep what it cost; read what a training run logged."""

import contextlib
import os
import re
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from projects.fileio import BadFileError, parse_json, read_text, read_whole


@dataclass
class RunLog:
    """What MMEngine's logger hook wrote for one run.

    Args:
        steps (list[dict[str, float]]): Training records in order, each with ``step``, ``time`` and its losses.
        validations (list[dict[str, float]]): Validation records in order, each with ``step`` (the epoch).
    """

    steps: list[dict[str, float]] = field(default_factory=list)
    validations: list[dict[str, float]] = field(default_factory=list)

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


def read_run_log(work_dir: str | Path) -> RunLog:
    """Read every ``vis_data/scalars.json`` of a work directory.

    A resumed run has one file per start; a step that stands in two of them counts as the later start wrote it.

    Args:
        work_dir (str | Path): ``work_dirs/<config>`` of a run.

    Raises:
        FileNotFoundError: If the directory holds no log.
        ValueError: If a line of a log is damaged.
    """
    files = sorted(Path(work_dir).glob('*/vis_data/scalars.json'))
    if not files:
        raise FileNotFoundError(f'{work_dir} holds no */vis_data/scalars.json; has this run been trained?')
    steps: dict[int, dict[str, float]] = {}
    validations: dict[int, dict[str, float]] = {}
    for file in files:
        for record in _records(file):
            target = steps if 'loss' in record else validations
            target[record['step']] = record
    return RunLog([steps[k] for k in sorted(steps)], [validations[k] for k in sorted(validations)])


def run_command(
    command: Sequence[str], environment: Mapping[str, str] | None = None, show: str | None = None
) -> dict[str, float]:
    """Run a command with its output on this terminal and measure it.

    Args:
        command (Sequence[str]): Program and arguments.
        environment (Mapping[str, str] | None): Variables to set on top of the current ones. Defaults to None.
        show (str | None): Regular expression: only lines in which it is found are shown, from where it matches on;
            when the command fails, its last lines are shown as they were. Defaults to None (everything).

    Returns:
        dict[str, float]: ``seconds`` of wall time and ``peak_mb``, the largest resident size of the process in MiB
        (on Linux; workers of a data loader are counted on their own and not added).

    Raises:
        RuntimeError: If the command fails; the message holds the command and its exit code.
    """
    start = time.perf_counter()
    pipe = {} if show is None else {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True}
    process = subprocess.Popen(list(command), env={**os.environ, **(environment or {})}, **pipe)
    last_lines: deque[str] = deque(maxlen=40)
    try:
        for line in process.stdout or ():
            last_lines.append(line)
            if match := re.search(show or '', line):
                print(line[match.start() :], end='', flush=True)  # noqa: T201 - this is its purpose
        _, status, usage = os.wait4(process.pid, 0)
    except KeyboardInterrupt:
        process.terminate()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        output = ''.join(last_lines)
        raise RuntimeError(f'{output}exit code {process.returncode} from: {" ".join(command)}')
    unit = 1024**2 if sys.platform == 'darwin' else 1024
    return {'seconds': time.perf_counter() - start, 'peak_mb': usage.ru_maxrss / unit}


def last_checkpoint(run: Path) -> Path:
    """Path of the newest checkpoint of a work directory, as the training wrote it down.

    Raises:
        FileNotFoundError: If the run has none.
    """
    pointer = run / 'last_checkpoint'
    if not pointer.is_file():
        raise FileNotFoundError(f'{pointer} not found; the run {run.name} has not been trained')
    return run / Path(read_text(pointer).strip()).name
