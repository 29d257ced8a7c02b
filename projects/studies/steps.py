"""Run commands one after another, remember what each of them cost, and go on after an interruption."""

import json
import os
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projects.fileio import atomic_write, read_json


@dataclass(frozen=True)
class Step:
    """One command of a demo.

    Args:
        name (str): Name of the step, unique in the demo.
        title (str): What it does, for the terminal.
        command (list[str]): Program and arguments.
        repeatable (bool): Whether to run it even when it finished before, since it finds out by itself that nothing is
            left to do. Defaults to False.
        show (str | None): Which lines of its output to show, see :func:`run_command`. Defaults to None (all).
    """

    name: str
    title: str
    command: list[str]
    repeatable: bool = False
    show: str | None = None


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
    pipe: dict[str, Any] = (
        {} if show is None else {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True}
    )
    process = subprocess.Popen(list(command), env={**os.environ, **(environment or {})}, **pipe)
    last_lines: deque[str] = deque(maxlen=40)
    try:
        for line in process.stdout or ():
            last_lines.append(line)
            if match := re.search(show or '', line):
                _say(line[match.start() :], end='')
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


def open_work_dir(work_dir: Path, identity: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Make the work directory of a demo, and give the costs of the steps that finished, by name.

    Raises:
        SystemExit: If the directory belongs to a demo of another identity, for instance of another seed.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    mark, costs = work_dir / 'demo.json', work_dir / 'costs.json'
    if mark.is_file():
        found = read_json(mark)
        if found != identity:
            raise SystemExit(f'error: {work_dir} holds a demo of {found}, asked for {identity}; use another --work-dir')
    else:
        write_json(mark, identity)
    return read_json(costs) if costs.is_file() else {}


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file that is never seen half-written."""
    with atomic_write(path, 'w') as file:
        json.dump(value, file, indent=1)


def run_steps(
    work_dir: Path, identity: Mapping[str, Any], steps: Sequence[Step], environment: Mapping[str, str]
) -> None:
    """Run the steps that have not finished, and remember in ``costs.json`` of the work directory what each cost.

    Raises:
        SystemExit: If a step fails or is interrupted, or the directory belongs to another demo.
    """
    costs = open_work_dir(work_dir, identity)
    start = time.monotonic()
    for number, step in enumerate(steps, 1):
        place = f'[{number}/{len(steps)}] {step.title}'
        if step.name in costs and not step.repeatable:
            _say(f'{place}: done before in {costs[step.name]["seconds"]:.0f} s')
            continue
        _say(f'\n{place} (at {(time.monotonic() - start) / 60:.1f} min)')
        try:
            cost = run_command(step.command, environment, step.show)
        except RuntimeError as error:
            raise SystemExit(
                f'error: step {step.name!r} failed: {error}\nRun the same command again to go on from here.'
            ) from error
        except KeyboardInterrupt:
            raise SystemExit(f'\ninterrupted in step {step.name!r}; run the same command again to go on') from None
        if step.name not in costs:
            costs[step.name] = {name: round(value, 1) for name, value in cost.items()}
            write_json(work_dir / 'costs.json', costs)


def _say(text: str, end: str = '\n') -> None:
    print(text, end=end, flush=True)  # noqa: T201 - for the terminal
