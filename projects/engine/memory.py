"""Memory that the process keeps for the next step."""

import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> bool:
    """Let glibc keep what the process frees, instead of handing large blocks back to the system.

    A step on the CPU frees and takes the same blocks as the one before it. By default those above 32 MiB are mapped
    anew every time, and touching new pages costs more than the work that is done on them. To be called once, before
    large tensors exist. The price is memory: blocks of different sizes no longer share it well (a student of MiniDrive
    peaked at 1,800 MiB in place of 1,110), and the process holds what it has had until it ends.

    Returns:
        bool: Whether it was set. False with another C library, and when an environment variable ``MALLOC_*`` or
        ``GLIBC_TUNABLES`` says that somebody has chosen already.
    """
    if any(name.startswith('MALLOC_') or name == 'GLIBC_TUNABLES' for name in os.environ):
        return False
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None) if sys.platform == 'linux' else None
    if mallopt is None:
        return False
    settings = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: 2**31 - 1, _M_TOP_PAD: 64 * 2**20}
    accepted = [mallopt(name, value) == 1 for name, value in settings.items()]
    return all(accepted)
