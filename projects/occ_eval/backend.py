"""In how many threads numba kernels run.

Kernels are serial and release the GIL; Python threads give each of them a part of the work. So a pool of processes can
be started at any time, and nothing needs OpenMP.
"""

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache


def available_cpus() -> int:
    """Number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


@lru_cache(maxsize=4)
def _thread_pool(threads: int, pid: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix='occ_eval')


def run_in_parts(task: Callable[[int, int, int], None], size: int, threads: int) -> None:
    """Call ``task(part, first, last)`` for consecutive parts of ``size`` items, and wait.

    Args:
        task (Callable): Work on items ``first`` to ``last``; parts must not write to the same place.
        size (int): Number of items.
        threads (int): Number of parts, each in a thread of its own.
    """
    edges = [size * part // threads for part in range(threads + 1)]
    jobs = [(part, first, last) for part, (first, last) in enumerate(itertools.pairwise(edges))]
    if threads == 1:
        task(*jobs[0])
        return
    for future in [_thread_pool(threads, os.getpid()).submit(task, *job) for job in jobs]:
        future.result()
