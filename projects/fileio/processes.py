"""What every process of a pool does first."""

import multiprocessing
import os
import signal
import threading


def start_worker() -> None:
    """Leave Ctrl-C to the parent, and end as soon as the parent is gone, however it ended.

    The workers of a pool wait for work from a queue that stays open when their parent is killed, so without this they
    would wait, or work on, for good. For ``initializer`` of a pool.

    Raises:
        RuntimeError: If ``multiprocessing`` did not start this process.

    Examples:
        >>> ProcessPoolExecutor(4, mp_context=multiprocessing.get_context('spawn'), initializer=start_worker)
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        raise RuntimeError('start_worker() is for processes that multiprocessing started')
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        parent.join()  # waits for the end of a pipe that the parent alone holds open
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
