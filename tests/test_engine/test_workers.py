"""DataLoader workers: what a fork copies, and how many threads each has."""

import gc
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from projects.engine import SafeRunner, share_with_workers
from projects.engine.workers import start_worker_with_one_thread

linux = pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')


def copied_by_a_collection():
    """Bytes that a forked process comes to own when it collects garbage."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        before = _private_bytes()
        gc.collect()
        os.write(write, str(_private_bytes() - before).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        return int(pipe.read())


def _private_bytes():
    lines = Path('/proc/self/smaps_rollup').read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith('Private_Dirty'))


@linux
def test_a_collection_in_a_forked_worker_copies_next_to_nothing_of_the_modules():
    """127 MB in a process with all packages of ours; the conftest has frozen what was imported before this module."""
    gc.unfreeze()
    shared = copied_by_a_collection()
    share_with_workers()
    assert shared > 30e6
    assert copied_by_a_collection() < shared / 8


class Threads:
    """Threads that a large product of matrices starts."""

    metainfo = {}

    def __len__(self):
        return 1

    def __getitem__(self, index):
        before = len(os.listdir('/proc/self/task'))
        _ = np.ones((40_000, 4)) @ np.ones((4, 4))
        return len(os.listdir('/proc/self/task')) - before


@linux
def test_a_worker_multiplies_matrices_on_one_thread_whatever_the_main_process_has():
    config = {'dataset': Threads(), 'batch_size': 1, 'num_workers': 1, 'sampler': {'type': 'DefaultSampler'}}
    loader = SafeRunner.build_dataloader(config)
    with threadpool_limits(4, user_api='blas'):
        assert next(iter(loader)) == [0]


def test_what_else_a_worker_does_at_its_beginning_is_done():
    seen = []
    with threadpool_limits(4, user_api='blas'):
        start_worker_with_one_thread(seen.append, 3)
        start_worker_with_one_thread(None, 4)
    assert seen == [3]
