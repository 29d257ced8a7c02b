"""Two pieces of work at the same time on the CPU, each with half of torch's threads.

Layers that are too small to keep all cores busy finish sooner this way than one after the other on all cores.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch

from projects.compute.precision import autocast_enabled

First = TypeVar('First')
Second = TypeVar('Second')

_THREAD = threading.local()


@lru_cache(maxsize=1)
def _helper(pid: int) -> ThreadPoolExecutor:
    """One thread for each process: a fork does not inherit threads."""
    return ThreadPoolExecutor(1, thread_name_prefix='side_by_side')


def run_side_by_side(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """Run ``first`` in a helper thread while ``second`` runs in this one.

    They run in a row when torch has one thread only, and in the helper itself, which would wait for its own end. Both
    see the gradient mode and the CPU autocast of the caller, and must not write to the same things. The number of
    threads of torch is as before when this returns or raises.

    Args:
        first (Callable): Without arguments.
        second (Callable): Without arguments.

    Returns:
        tuple: Their results.

    Raises:
        Exception: What ``second`` raised, else what ``first`` raised; both have ended by then.
    """
    threads = torch.get_num_threads()
    if threads < 2 or getattr(_THREAD, 'helps', False):
        return first(), second()
    # Both are settings of a thread. Without a dtype, autocast takes the one that is set where it is made: here.
    grad_enabled = torch.is_grad_enabled()
    autocast = torch.autocast('cpu', enabled=autocast_enabled('cpu'))

    def work() -> First:
        _THREAD.helps = True
        torch.set_num_threads(threads // 2)
        with torch.set_grad_enabled(grad_enabled), autocast:
            return first()

    helped = _helper(os.getpid()).submit(work)
    # Set here and by the helper: OpenMP counts threads for each thread that starts a parallel region.
    torch.set_num_threads(threads - threads // 2)
    try:
        result = second()
    finally:
        helped.exception()
        torch.set_num_threads(threads)
    return helped.result(), result
