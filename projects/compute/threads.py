"""In how many threads numba kernels run: as many as torch uses.

Kernels are serial and release the GIL; Python threads give each of them a part of the work. So they follow
``torch.set_num_threads``, need no OpenMP pool of their own, and cannot break a data loader that forks later.
"""

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import torch


@lru_cache(maxsize=4)
def _thread_pool(num_threads: int, pid: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(num_threads, thread_name_prefix='kernels')


def run_in_threads(tasks: list[Callable[[], None]]) -> None:
    """Run tasks on as many threads as torch uses, this one among them, and wait. An error of a task is raised."""
    threads = torch.get_num_threads()
    others = min(threads, len(tasks)) - 1
    todo = iter(tasks)  # next() of a list iterator is atomic: every thread takes the next task that nobody has taken

    def work() -> None:
        for task in todo:
            task()

    helpers = [_thread_pool(threads, os.getpid()).submit(work) for _ in range(others)]
    try:
        work()
    finally:
        errors = [helper.exception() for helper in helpers if not helper.cancel()]
    for error in filter(None, errors):
        raise error


def run_over_range(kernel: Callable[..., None], size: int, *args: Any) -> None:
    """Call ``kernel(first, last, *args)`` for consecutive parts of ``size`` items, in parallel.

    The kernel must write to different places for different items, so the result does not depend on the parts.
    """
    parts = min(size, 4 * torch.get_num_threads()) if torch.get_num_threads() > 1 else min(size, 1)
    edges = [size * part // max(parts, 1) for part in range(parts + 1)]

    def task(first: int, last: int) -> Callable[[], None]:
        return lambda: kernel(first, last, *args)

    run_in_threads([task(first, last) for first, last in itertools.pairwise(edges)])
