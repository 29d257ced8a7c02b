"""Random draws of the transforms.

They use numpy's global generator because ``SeededDatasetMixin`` reseeds exactly that one for every sample, so a sample
is augmented in the same way whatever the number of workers, and in the same way after a resumed run.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np


def uniform(low: float, high: float) -> float:
    """Draw one number from [low, high)."""
    return float(np.random.uniform(low, high))  # noqa: NPY002


def coin(probability: float) -> bool:
    """Return True with the given probability."""
    return bool(np.random.uniform() < probability)  # noqa: NPY002


def subset(size: int, count: int) -> list[int]:
    """Draw ``count`` different indices below ``size``, in rising order.

    The generator goes on as if nothing had been drawn: a pipeline that reads sweeps then augments images and grid
    exactly as one that does not, so a student alone and the same student under a LiDAR teacher see the same samples.
    """
    with same_draws(draw_state()):
        return sorted(int(index) for index in np.random.choice(size, count, replace=False))  # noqa: NPY002


def weighted_subset(weights: np.ndarray, count: int) -> np.ndarray:
    """Draw different indices one after the other, each with a probability in proportion to its weight.

    The generator goes on as if nothing had been drawn, see :func:`subset`.

    Args:
        weights (np.ndarray): Not negative; an index of weight 0 is never drawn. Shape (P,).
        count (int): How many; all of positive weight where there are fewer.

    Returns:
        np.ndarray: Indices in rising order. Shape (at most count,), int64.
    """
    (open_,) = np.nonzero(weights)
    if len(open_) <= count:
        return open_
    with same_draws(draw_state()):
        # The first arrivals of exponential clocks are a draw without replacement.
        arrivals = np.random.standard_exponential(len(open_)) / weights[open_]  # noqa: NPY002
    return np.sort(open_[np.argpartition(arrivals, count)[:count]])


@contextlib.contextmanager
def same_draws(state: Any) -> Iterator[None]:
    """Draw in a block what was drawn after :func:`draw_state`; then the generator goes on as if it had not been."""
    later = draw_state()
    np.random.set_state(state)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(later)  # noqa: NPY002


def draw_state() -> Any:
    """State of the generator, for :func:`same_draws`."""
    return np.random.get_state()  # noqa: NPY002
