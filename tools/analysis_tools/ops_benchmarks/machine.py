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

from projects.rendering import numba_enabled


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


def copy_bandwidth(num_bytes: float, repeats: int = 7) -> float:
    """Bytes per second (read plus written) of a copy that moves about ``num_bytes``, between 1 MiB and 256 MiB."""
    count = int(min(max(num_bytes, 2**20), 2**28)) // 8
    source, target = torch.ones(count), torch.empty(count)
    target.copy_(source)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        target.copy_(source)
        seconds.append(time.perf_counter() - start)
    return 8 * count / statistics.median(seconds)


def _cpu_name() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')), platform.machine())


def describe() -> dict[str, Any]:
    """Versions, threads, load and bandwidth, as they go beside every table."""
    try:
        import numba

        numba_version = numba.__version__ if numba_enabled() else f'{numba.__version__} (off)'
    except ImportError:
        numba_version = 'absent'
    return {
        'cpu': _cpu_name(),
        'cores': len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count(),
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
