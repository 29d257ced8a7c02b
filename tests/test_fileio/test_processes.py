"""Workers end with their parent, and leave Ctrl-C to it."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from projects.fileio import start_worker

PARENT = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from projects.fileio import start_worker

if __name__ == '__main__':
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(2, mp_context=context, initializer=start_worker) as pool:
        futures = [pool.submit(time.sleep, 0.1) for _ in range(2)]
        [future.result() for future in futures]
        busy = pool.submit(time.sleep, 60)
        time.sleep(0.1)
        print(*pool._processes, flush=True)
        time.sleep(60)
"""


def is_alive(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def wait_for_end(pids, seconds):
    """Wait until all have ended; those that are left after that time."""
    deadline = time.monotonic() + seconds
    while (alive := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive


def test_busy_and_idle_workers_end_with_a_parent_that_is_killed(tmp_path):
    (tmp_path / 'parent.py').write_text(PARENT)
    parent = subprocess.Popen([sys.executable, str(tmp_path / 'parent.py')], stdout=subprocess.PIPE, text=True)
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2
    assert wait_for_end(workers, 0.3) == workers
    parent.kill()
    parent.wait()
    alive = wait_for_end(workers, 10)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
    assert not alive


def test_worker_ignores_ctrl_c():
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(1, mp_context=context, initializer=start_worker) as pool:
        worker = pool.submit(os.getpid).result()
        os.kill(worker, signal.SIGINT)
        assert pool.submit(os.getpid).result() == worker


def test_process_that_nobody_started_as_a_worker_is_refused():
    with pytest.raises(RuntimeError, match='for processes that multiprocessing started'):
        start_worker()
