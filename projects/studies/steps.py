"""Run commands one after another, remember what each of them cost, and go on after an interruption."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projects.fileio import BadFileError, FolderLock, atomic_write, read_json


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
        after (tuple[str, ...] | None): Names of the steps that it needs. Defaults to None (all before it).
        makes (Path | None): File that it leaves. A step that finished is run again when the file is gone and a step
            that needs it is to run, or none needs it. Defaults to None (not looked at).
        recipe (str | None): What its result depends on. One that finished by another recipe does not count as done, and
            the run stops with both. Defaults to None (not looked at).
    """

    name: str
    title: str
    command: list[str]
    repeatable: bool = False
    show: str | None = None
    after: tuple[str, ...] | None = None
    makes: Path | None = None
    recipe: str | None = None


def steps_to_run(steps: Sequence[Step], finished: Collection[str]) -> set[str]:
    """Names of the steps that are not finished, are repeated always, or lost a file that is still needed."""
    needs = [_needs(steps, index) for index in range(len(steps))]
    needed = {name for names in needs for name in names}
    chosen: set[str] = set()
    asked: set[str] = set()
    for step, names in zip(reversed(steps), reversed(needs)):
        lost = step.makes is not None and not step.makes.exists() and (step.name in asked or step.name not in needed)
        if step.repeatable or step.name not in finished or lost:
            chosen.add(step.name)
            asked.update(names)
    return chosen


def check_recipes(steps: Sequence[Step], costs: Mapping[str, Mapping[str, Any]]) -> None:
    """Stop where a step finished by another recipe than it has now.

    Raises:
        SystemExit: If there is one; names them all, with both recipes.
    """
    changed = [
        f'{step.name} was made by {made!r}, and is {step.recipe!r} now'
        for step in steps
        if step.recipe is not None and (made := costs.get(step.name, {}).get('recipe', step.recipe)) != step.recipe
    ]
    if changed:
        raise SystemExit(
            'error: '
            + '\n'.join(changed)
            + '\nGive what is new another name or use another --work-dir; or, to have it '
            'made again, delete its folder, its scores and its entry in costs.json'
        )


def _needs(steps: Sequence[Step], index: int) -> tuple[str, ...]:
    after = steps[index].after
    return tuple(step.name for step in steps[:index]) if after is None else after


def run_command(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    show: str | None = None,
    prefix: str = '',
    running: set[subprocess.Popen] | None = None,
) -> dict[str, float]:
    """Run a command with its output on this terminal and measure it.

    Args:
        command (Sequence[str]): Program and arguments.
        environment (Mapping[str, str] | None): Variables to set on top of the current ones. Defaults to None.
        show (str | None): Regular expression: only lines in which it is found are shown, from where it matches on;
            when the command fails, its last lines are shown as they were. Defaults to None (everything).
        prefix (str): Put in front of the lines that ``show`` finds. Defaults to ''.
        running (set[subprocess.Popen], optional): Holds the process while it runs, for others to stop it.

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
    running = set() if running is None else running
    running.add(process)
    last_lines: deque[str] = deque(maxlen=40)
    try:
        for line in process.stdout or ():
            last_lines.append(line)
            if match := re.search(show or '', line):
                _say(prefix + line[match.start() :], end='')
        _, status, usage = os.wait4(process.pid, 0)
    except KeyboardInterrupt:
        process.terminate()
        raise
    finally:
        running.discard(process)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        output = ''.join(last_lines)
        raise RuntimeError(f'{output}exit code {process.returncode} from: {" ".join(command)}')
    unit = 1024**2 if sys.platform == 'darwin' else 1024
    return {'seconds': time.perf_counter() - start, 'peak_mb': usage.ru_maxrss / unit}


def open_work_dir(work_dir: Path, identity: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
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
    return _read_costs(costs) if costs.is_file() else {}


def _read_costs(path: Path) -> dict[str, dict[str, Any]]:
    """Costs of the steps that finished.

    Raises:
        BadFileError: If the file holds something else.
    """
    again = 'write it back from a copy, or delete it: then every step is looked at again'
    costs = read_json(path, again)
    if not isinstance(costs, dict) or not all(isinstance(c, dict) and 'seconds' in c for c in costs.values()):
        raise BadFileError(f"{path} does not hold the 'seconds' of each finished step; {again}")
    return costs


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file that is never seen half-written."""
    with atomic_write(path, 'w') as file:
        json.dump(value, file, indent=1)


def run_steps(
    work_dir: Path, identity: Mapping[str, Any], steps: Sequence[Step], environment: Mapping[str, str], jobs: int = 1
) -> None:
    """Run the steps that have not finished, and remember in ``costs.json`` of the work directory what each cost.

    Args:
        work_dir (Path): Work directory.
        identity (Mapping[str, Any]): What its content depends on, see :func:`open_work_dir`.
        steps (Sequence[Step]): All steps, in order.
        environment (Mapping[str, str]): Variables to set for the commands.
        jobs (int): How many steps run at once. More than one share the cores, with ``cores // jobs`` threads each
            (unless ``OMP_NUM_THREADS`` is set), and a step that fails lets the running ones finish. Defaults to 1.

    Raises:
        FolderInUseError: If another process runs steps in the work directory: each would forget what the other one
            finished.
        SystemExit: If a step fails or is interrupted, the directory belongs to another demo, or a step finished by
            another recipe.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    with _terminated_like_interrupted(), FolderLock(work_dir, work_dir / '.steps'):
        _Runner(work_dir, identity, steps, environment, jobs).run()


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does: else the running steps would go on alone, and be in the way of the next run."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Runner:
    """Starts steps as soon as those that they need are done; the order of the list goes first."""

    def __init__(
        self,
        work_dir: Path,
        identity: Mapping[str, Any],
        steps: Sequence[Step],
        environment: Mapping[str, str],
        jobs: int,
    ) -> None:
        known: set[str] = set()
        for step in steps:
            if missing := set(step.after or ()) - known:
                raise ValueError(f'step {step.name!r} needs {sorted(missing)}, of which no step before it has the name')
            known.add(step.name)
        self.work_dir, self.steps, self.jobs = work_dir, steps, jobs
        self.costs, self.start = open_work_dir(work_dir, identity), time.monotonic()
        check_recipes(steps, self.costs)
        self.chosen = steps_to_run(steps, self.costs)
        threads = {'OMP_NUM_THREADS': str(max(1, (os.cpu_count() or 1) // jobs))} if jobs > 1 else {}
        self.environment = {**threads, **{k: v for k, v in os.environ.items() if k in threads}, **environment}
        self.processes: set[subprocess.Popen] = set()

    def run(self) -> None:
        waiting, done, running = dict(enumerate(self.steps, 1)), set[str](), dict[Future, Step]()
        errors: list[SystemExit] = []
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                while (waiting and not errors) or running:
                    for number in [] if errors else list(waiting):
                        if len(running) < self.jobs and self._ready(number, done):
                            step = waiting.pop(number)
                            if self._announce(number, step):
                                running[pool.submit(self._run_one, step)] = step
                            else:
                                done.add(step.name)
                    if running:
                        for future in wait(running, return_when=FIRST_COMPLETED).done:
                            step = running.pop(future)
                            errors += [error for error in [self._finish(step, future)] if error]
                            done.add(step.name)
            except KeyboardInterrupt:
                for process in list(self.processes):
                    process.terminate()
                names = ' and '.join(repr(step.name) for step in running.values())
                raise SystemExit(f'\ninterrupted in step {names}; run the same command again to go on') from None
        if errors:
            raise errors[0]

    def _ready(self, number: int, done: set[str]) -> bool:
        return done.issuperset(_needs(self.steps, number - 1))

    def _announce(self, number: int, step: Step) -> bool:
        """Say what comes, and whether it is still to be done."""
        place = f'[{number}/{len(self.steps)}] {step.title}'
        if step.name not in self.chosen:
            _say(f'{place}: done before in {self.costs[step.name]["seconds"]:.0f} s')
            return False
        _say(f'\n{place} (at {(time.monotonic() - self.start) / 60:.1f} min)')
        return True

    def _run_one(self, step: Step) -> dict[str, float]:
        prefix = f'{step.name}: ' if self.jobs > 1 else ''
        return run_command(step.command, self.environment, step.show, prefix, self.processes)

    def _finish(self, step: Step, future: Future) -> SystemExit | None:
        """Remember the cost of a step, or give the error that ends the study."""
        try:
            cost = future.result()
        except RuntimeError as error:
            message = f'error: step {step.name!r} failed: {error}\nRun the same command again to go on from here.'
            return SystemExit(message)
        if step.name not in self.costs:
            recipe = {} if step.recipe is None else {'recipe': step.recipe}
            self.costs[step.name] = {**{name: round(value, 1) for name, value in cost.items()}, **recipe}
            write_json(self.work_dir / 'costs.json', self.costs)
        return None


def _say(text: str, end: str = '\n') -> None:
    print(text, end=end, flush=True)  # noqa: T201 - for the terminal
