"""Peak memory, copy bandwidth and a description of this machine (Linux)."""

import ctypes
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from projects.compute import numba_enabled
from projects.compute.pool import available_cpus
from projects.reporting import processor_name


def _status_mb(key: str) -> float:
    for line in Path('/proc/self/status').read_text(encoding='ascii').splitlines():
        if line.startswith(key + ':'):
            return int(line.split()[1]) / 1024
    return float('nan')


def peak_memory_mb(function: Callable[[], Any]) -> float:
    """Largest resident memory during a call, above what was resident before it, in MiB; NaN without /proc."""
    try:
        ctypes.CDLL(None).malloc_trim(0)  # freed blocks that stay resident would hide what the call needs
        Path('/proc/self/clear_refs').write_text('5', encoding='ascii')
    except (OSError, AttributeError):
        return float('nan')
    before = _status_mb('VmRSS')
    result = function()
    peak = _status_mb('VmHWM')
    del result
    return max(peak - before, 0.0)


def wall_seconds(function: Callable[..., Any], arguments: tuple = ()) -> float:
    """Seconds of a call; its result is freed after the clock has stopped."""
    start = time.perf_counter()
    result = function(*arguments)
    seconds = time.perf_counter() - start
    del result
    return seconds


def copy_bandwidth(
    num_bytes: float,
    seconds: Callable[..., float] = wall_seconds,
    device: torch.device | str = 'cpu',
    repeats: int = 7,
) -> float:
    """Bytes per second (read plus written) of a copy that moves about ``num_bytes``, between 1 MiB and 256 MiB."""
    count = int(min(max(num_bytes, 2**20), 2**28)) // 8
    source, target = torch.ones(count, device=device), torch.empty(count, device=device)
    target.copy_(source)
    return 8 * count / statistics.median(seconds(target.copy_, (source,)) for _ in range(repeats))


def touch_memory(gib: float = 2.0) -> None:
    """Write to memory once and give it back, so that the host of a virtual machine has provided the pages.

    The first touch of a page that the host has not provided yet takes ten times as long (measured: 1.1 to 2.7 s per GiB
    in place of 0.2), which would be charged to whichever variant asks for fresh memory. Takes at most half of the
    memory that is free.
    """
    try:
        free = os.sysconf('SC_AVPHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
    except (AttributeError, ValueError, OSError):
        return
    np.empty(int(min(gib * 2**30, free / 2)), dtype=np.uint8)[:: os.sysconf('SC_PAGE_SIZE')] = 1


def describe() -> dict[str, Any]:
    """Versions, threads, load and bandwidth, as they go beside every table."""
    try:
        import numba

        numba_version = numba.__version__ if numba_enabled() else f'{numba.__version__} (off)'
    except ImportError:
        numba_version = 'absent'
    return {
        'cpu': processor_name(),
        'cores': available_cpus(),
        'threads': torch.get_num_threads(),
        'load_average': round(os.getloadavg()[0], 2),
        'python': platform.python_version(),
        'torch': torch.__version__,
        'numba': numba_version,
        'numpy': np.__version__,
        'copy_gib_s_16mb': round(copy_bandwidth(2**24) / 2**30, 1),
        'copy_gib_s_256mb': round(copy_bandwidth(2**28) / 2**30, 1),
        'date': time.strftime('%Y-%m-%d'),
    }
