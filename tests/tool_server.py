"""Runs tools in forked processes that have the heavy imports behind them; started and used by ``ToolServer``.

A tool that is started by hand imports torch and MMDetection3D first, which takes seconds. Here one process imports them
and forks for each command; the tool's file then runs as ``__main__``, with its own arguments, folder and output.
"""

import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
IMPORTS = (
    'cv2', 'matplotlib.pyplot', 'numba', 'torch', 'mmdet3d.registry', 'mmengine.runner',
    # What the registries import when they look for a class.
    'mmdet3d.datasets', 'mmdet3d.engine', 'mmdet3d.evaluation', 'mmdet3d.models', 'mmdet3d.visualization',
    'nuscenes.nuscenes', 'nuscenes.utils.splits',
    # What the first optimizer and the first line of a log import.
    'torch._dynamo', 'torch.utils.cpp_extension',
    'projects.engine', 'projects.occupancy', 'projects.depth', 'projects.distillation',
    'projects.radocc', 'projects.renderocc', 'projects.adudepth', 'projects.occ_eval', 'projects.depth_eval',
)  # fmt: skip


class Outcome:
    """Exit code and output of a command; a negative code is a signal."""

    def __init__(self, command, code, stdout, stderr):
        self.command, self.code, self.stdout, self.stderr = command, code, stdout, stderr

    @property
    def output(self):
        return self.stdout + self.stderr

    def __repr__(self):
        return f'{" ".join(self.command)}\nexit code {self.code}\n{self.stdout[-3000:]}\n{self.stderr[-5000:]}'


class ToolServer:
    """Runs programs of the repository one after another. Close it, or use it in a ``with`` block."""

    def __init__(self):
        environment = {**os.environ, 'PYTHONPATH': str(REPO), 'MPLBACKEND': 'agg', 'OMP_NUM_THREADS': '1'}
        environment.pop('DISPLAY', None)
        self.server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, command, folder, timeout=300, env=None):
        """Run a command in a folder.

        Args:
            command (list): Path of the program below the repository, and its arguments.
            folder (Path): Current directory of the tool.
            timeout (float): Seconds after which it is killed.
            env (dict | None): More environment variables. Folders of ``PYTHONPATH`` can be imported from. What the
                libraries read when they are imported has no effect any more.

        Returns:
            Outcome: What came of it.
        """
        command = [str(part) for part in command]
        with tempfile.TemporaryDirectory(prefix='tool-') as logs:
            self.server.stdin.write(json.dumps([command, str(folder), logs, timeout, env or {}]) + '\n')
            self.server.stdin.flush()
            code = json.loads(self.server.stdout.readline())
            streams = [Path(logs, name).read_text(errors='replace') for name in ('1', '2')]
        return Outcome(command, code, *streams)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A process that the tests forked may hold the pipe open, so its end is said as well.
        self.server.stdin.write('null\n')
        self.server.stdin.close()
        try:
            self.server.wait(30)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()


def child(command, folder, logs, env):
    """The tool itself, in a forked process."""
    for stream in (1, 2):
        os.dup2(os.open(f'{logs}/{stream}', os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    os.chdir(folder)
    os.environ.update(env)
    path = REPO / command[0]
    sys.argv = [str(path), *command[1:]]
    sys.path[:1] = [str(path.parent), *filter(None, env.get('PYTHONPATH', '').split(os.pathsep))]
    code = 0
    try:
        runpy.run_path(str(path), run_name='__main__')
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        if isinstance(stop.code, str):
            sys.stderr.write(stop.code + '\n')
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def serve():
    """Import, then fork for each line of the input."""
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    for name in IMPORTS:
        __import__(name)
    gc.freeze()  # data sets collect garbage when they are built; without this they look through all of the above
    for line in sys.stdin:
        job = json.loads(line)
        if job is None:
            os._exit(0)
        command, folder, logs, timeout, env = job
        pid = os.fork()
        if pid == 0:
            os.setsid()
            child(command, folder, logs, env)
        signal.signal(signal.SIGALRM, lambda *_, pid=pid: os.killpg(pid, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, timeout)
        _, status = os.waitpid(pid, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(json.dumps(os.waitstatus_to_exitcode(status)) + '\n')
        answers.flush()


if __name__ == '__main__':
    serve()
