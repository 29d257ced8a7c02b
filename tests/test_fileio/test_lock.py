"""A folder lock keeps others out, also while workers of a killed holder live, and no dead process holds it."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from projects.fileio import FolderInUseError, FolderLock

# Holds the lock, hands it to a worker that works for a minute, and says both numbers.
HOLDER = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from projects.fileio import FolderLock, start_worker

def start(lock, watches):
    if watches:
        start_worker()

def main(folder, watches):
    with FolderLock(folder, folder + '/lock') as lock:
        context = multiprocessing.get_context('spawn')
        with ProcessPoolExecutor(1, mp_context=context, initializer=start, initargs=(lock, watches)) as pool:
            print(os.getpid(), pool.submit(os.getpid).result(), flush=True)
            pool.submit(time.sleep, 60).result()

if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2] == 'watches')
"""


@pytest.fixture
def hold(tmp_path):
    """Start a holder of the lock on a folder; returns the process and the pid of its worker."""
    script, workers = tmp_path / 'holder.py', []
    script.write_text(HOLDER)

    def start(folder, worker):
        process = subprocess.Popen(
            [sys.executable, str(script), str(folder), worker], stdout=subprocess.PIPE, text=True
        )
        pid, worker_pid = map(int, process.stdout.readline().split())
        assert pid == process.pid
        workers.append(worker_pid)
        return process, worker_pid

    yield start
    for pid in workers:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def is_alive(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_second_holder_is_refused_at_once_and_told_folder_and_process(tmp_path):
    with FolderLock(tmp_path, tmp_path / 'lock') as first:
        assert first.held
        begin = time.monotonic()
        with pytest.raises(FolderInUseError, match=rf'{tmp_path} is in use by process {os.getpid()} on '):
            FolderLock(tmp_path, tmp_path / 'lock').__enter__()
        assert time.monotonic() - begin < 1
    with FolderLock(tmp_path, tmp_path / 'lock') as again:
        assert again.held


def test_file_is_there_while_somebody_holds_the_lock(tmp_path):
    lock = FolderLock(tmp_path, tmp_path / 'lock')
    assert lock.is_idle()
    with lock:
        assert str(os.getpid()) in (tmp_path / 'lock').read_text()
        assert not lock.is_idle()
    assert lock.is_idle()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('content', [b'', b'{"pid": 1, "host": "a"}', b'\xff[[[', b'[' * 100000, b'{"pid": "x"}'])
def test_what_a_dead_holder_left_in_the_file_is_no_obstacle(tmp_path, content):
    (tmp_path / 'lock').write_bytes(content)
    with FolderLock(tmp_path, tmp_path / 'lock') as lock:
        assert lock.held


def test_lock_of_a_killed_process_is_free_as_soon_as_its_worker_has_ended_by_itself(tmp_path, hold):
    process, worker = hold(tmp_path, 'watches')
    with pytest.raises(FolderInUseError, match=f'process {process.pid} on '):
        FolderLock(tmp_path, tmp_path / 'lock').__enter__()
    process.kill()
    process.wait()
    with FolderLock(tmp_path, tmp_path / 'lock') as lock:
        assert lock.held
        assert not is_alive(worker)


def test_worker_that_outlives_its_parent_keeps_the_lock(tmp_path, hold):
    process, worker = hold(tmp_path, 'works on')
    process.kill()
    process.wait()
    with pytest.raises(FolderInUseError, match=rf'workers of process {process.pid} on \S+, which is gone itself'):
        FolderLock(tmp_path, tmp_path / 'lock', patience=0.3).__enter__()
    os.kill(worker, signal.SIGKILL)
    with FolderLock(tmp_path, tmp_path / 'lock') as lock:
        assert lock.held


def test_lock_of_a_folder_that_was_deleted_does_not_lock_its_successor(tmp_path):
    with FolderLock(tmp_path, tmp_path / 'lock'):
        (tmp_path / 'lock').unlink()
        with FolderLock(tmp_path, tmp_path / 'lock') as second:
            assert second.held


def test_many_that_take_turns_never_hold_it_together(tmp_path):
    script = tmp_path / 'turns.py'
    script.write_text(
        'import os, sys, time\n'
        'from projects.fileio import FolderInUseError, FolderLock\n'
        'folder, turns = sys.argv[1], 0\n'
        'while turns < 30:\n'
        '    try:\n'
        "        with FolderLock(folder, folder + '/lock'):\n"
        "            os.close(os.open(folder + '/mine', os.O_CREAT | os.O_EXCL))\n"
        '            time.sleep(0.001)\n'
        "            os.unlink(folder + '/mine')\n"
        '        turns += 1\n'
        '    except FolderInUseError:\n'
        '        time.sleep(0.001)\n'
    )
    (tmp_path / 'data').mkdir()
    command = [sys.executable, str(script), str(tmp_path / 'data')]
    runs = [subprocess.Popen(command) for _ in range(3)]
    assert [run.wait() for run in runs] == [0, 0, 0]


def test_without_locks_the_block_runs_with_a_warning(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr('projects.fileio.lock.fcntl.flock', refuse)
    with (
        pytest.warns(RuntimeWarning, match=f'{tmp_path} is on a file system without locks'),
        FolderLock(tmp_path, tmp_path / 'lock') as lock,
    ):
        assert not lock.held
    assert lock.is_idle()


def test_other_errors_of_the_lock_are_not_swallowed(tmp_path):
    with pytest.raises(FileNotFoundError, match='absent/lock'):
        FolderLock(tmp_path, tmp_path / 'absent' / 'lock').__enter__()


def test_disk_without_room_for_the_holder_is_an_error_that_names_the_file_and_leaves_no_lock(tmp_path):
    script = (
        'import resource, sys\n'
        'from projects.fileio import FolderLock\n'
        'lock = FolderLock(sys.argv[1], sys.argv[1] + "/lock")\n'
        'resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))\n'
        'try:\n'
        '    lock.__enter__()\n'
        'except OSError as error:\n'
        '    print(error.filename, lock.held)\n'
        'resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n'
        'with lock:\n'
        '    print(lock.held)\n'
    )
    done = subprocess.run([sys.executable, '-c', script, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.split() == [f'{tmp_path}/lock', 'False', 'True'], done.stderr
