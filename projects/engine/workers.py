"""What DataLoader workers would cost a machine that has dozens of them: copies of memory, and threads."""

import gc
from collections.abc import Callable

from threadpoolctl import threadpool_limits


def share_with_workers() -> None:
    """Take what was imported and built so far out of the garbage collector, before workers are forked.

    A forked worker shares the memory of its parent until one of them writes there, and a garbage collector writes into
    every object that it looks at: the first collection of a worker copied 127 MB of imported modules (measured, see
    docs/scale.md), 8 GB for 64 workers. What is freed without the collector is still freed.
    """
    gc.collect()
    gc.freeze()


def start_worker_with_one_thread(start: Callable[[int], None] | None, worker_id: int) -> None:
    """Begin a DataLoader worker: its products of matrices run on one thread, as torch sets it for its own.

    NumPy's BLAS starts as many threads as the main process may have, in every worker anew, and they wait for work by
    spinning.

    Args:
        start (Callable | None): What else a worker does at its beginning, called with its number.
        worker_id (int): Its number.
    """
    threadpool_limits(1, user_api='blas')
    if start is not None:
        start(worker_id)
