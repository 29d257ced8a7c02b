"""In how many threads numba kernels run: as many as torch uses.

Kernels are serial and release the GIL; Python threads give each of them a part of the work. So they follow
``torch.set_num_threads``, need no OpenMP pool of their own, and cannot break a data loader that forks later.
"""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from .pool import run_tasks


def run_in_threads(tasks: list[Callable[[], None]]) -> None:
    """Run tasks on as many threads as torch uses, this one among them, and wait. An error of a task is raised."""
    run_tasks(tasks, torch.get_num_threads())


def run_over_range(kernel: Callable[..., None], size: int, *args: Any) -> None:
    """Call ``kernel(first, last, *args)`` for consecutive parts of ``size`` items, in parallel.

    The kernel must write to different places for different items, so the result does not depend on the parts.
    """
    parts = min(size, 4 * torch.get_num_threads()) if torch.get_num_threads() > 1 else min(size, 1)
    edges = [size * part // max(parts, 1) for part in range(parts + 1)]
    run_in_threads([partial(kernel, first, last, *args) for first, last in itertools.pairwise(edges)])
