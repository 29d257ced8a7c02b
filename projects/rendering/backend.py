"""Precision, and when and how numba kernels run.

Kernels are serial and release the GIL; Python threads give each of them a part of the rays. So they follow
``torch.set_num_threads``, need no OpenMP pool of their own, and cannot break a data loader that forks later.
"""

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from projects.compute import numba_enabled


def full_precision(tensor: Tensor) -> AbstractContextManager[Any]:
    """Context that switches autocast off for the device of ``tensor``; geometry and transmittance need float32."""
    device_type = tensor.device.type
    if device_type not in ('cpu', 'cuda') or not autocast_enabled(device_type):
        return nullcontext()
    return torch.autocast(device_type, enabled=False)


def autocast_enabled(device_type: str) -> bool:
    """Whether autocast is on in this thread, for 'cpu' or 'cuda'."""
    try:
        return torch.is_autocast_enabled(device_type)
    except TypeError:  # before PyTorch 2.4 there is a function for each device
        return torch.is_autocast_cpu_enabled() if device_type == 'cpu' else torch.is_autocast_enabled()


def computed_dtype(tensor: Tensor) -> torch.dtype:
    """What rendering computes in: float64 for such tensors, float32 for all others."""
    return torch.promote_types(tensor.dtype, torch.float32)


def is_fake(tensor: Tensor) -> bool:
    """Whether a tensor has no values (traced or tested without the device), so shapes must not depend on data."""
    return isinstance(tensor, FakeTensor)


def numba_usable(*tensors: Tensor, bfloat16: bool = False) -> bool:
    """Whether numba kernels can read these tensors: enabled, on the CPU, with values, float32 or float64.

    Kernels that read bfloat16 as well say so.
    """
    dtypes = (torch.float32, torch.float64, *([torch.bfloat16] if bfloat16 else []))
    return numba_enabled() and all(
        type(tensor) in (Tensor, torch.nn.Parameter) and tensor.device.type == 'cpu' and tensor.dtype in dtypes
        for tensor in tensors
    )


@lru_cache(maxsize=4)
def _thread_pool(num_threads: int, pid: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(num_threads, thread_name_prefix='rendering')


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


def run_over_rays(kernel: Callable[..., None], num_rays: int, *args: Any) -> None:
    """Call ``kernel(first, last, *args)`` for consecutive parts of the rays, in parallel.

    The kernel must write to different places for different rays, so the result does not depend on the parts.
    """
    parts = min(num_rays, 4 * torch.get_num_threads()) if torch.get_num_threads() > 1 else min(num_rays, 1)
    edges = [num_rays * part // max(parts, 1) for part in range(parts + 1)]

    def task(first: int, last: int) -> Callable[[], None]:
        return lambda: kernel(first, last, *args)

    run_in_threads([task(first, last) for first, last in itertools.pairwise(edges)])
