"""Tasks in Python threads, for kernels that are serial and release the GIL. Free of torch.

So a pool of processes can be started at any time, and nothing needs OpenMP.
"""

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial


def available_cpus() -> int:
    """Number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


@lru_cache(maxsize=4)
def _thread_pool(threads: int, pid: int) -> ThreadPoolExecutor:
    """For each process, since a fork does not inherit threads."""
    return ThreadPoolExecutor(threads, thread_name_prefix='kernels')


def run_tasks(tasks: list[Callable[[], None]], threads: int) -> None:
    """Run tasks on at most so many threads, this one among them, and wait. An error of a task is raised."""
    todo = iter(tasks)  # next() of a list iterator is atomic: every thread takes the next task that nobody has taken

    def work() -> None:
        for task in todo:
            task()

    helpers = [_thread_pool(threads, os.getpid()).submit(work) for _ in range(min(threads, len(tasks)) - 1)]
    try:
        work()
    finally:
        errors = [helper.exception() for helper in helpers if not helper.cancel()]
    for error in filter(None, errors):
        raise error


def run_in_parts(task: Callable[[int, int, int], None], size: int, threads: int) -> None:
    """Call ``task(part, first, last)`` for consecutive parts of ``size`` items, and wait.

    Args:
        task (Callable): Work on items ``first`` to ``last``; parts must not write to the same place.
        size (int): Number of items.
        threads (int): Number of parts, and of threads at most.
    """
    edges = [size * part // threads for part in range(threads + 1)]
    jobs = [(part, first, last) for part, (first, last) in enumerate(itertools.pairwise(edges))]
    run_tasks([partial(task, *job) for job in jobs], threads)
