"""Random draws of the transforms.

They use numpy's global generator because ``SeededDatasetMixin`` reseeds exactly that one for every sample, so a sample
is augmented in the same way whatever the number of workers, and in the same way after a resumed run.
"""

import numpy as np


def uniform(low: float, high: float) -> float:
    """Draw one number from [low, high)."""
    return float(np.random.uniform(low, high))  # noqa: NPY002


def coin(probability: float) -> bool:
    """Return True with the given probability."""
    return bool(np.random.uniform() < probability)  # noqa: NPY002


def subset(size: int, count: int) -> list[int]:
    """Draw ``count`` different indices below ``size``, in rising order."""
    return sorted(int(index) for index in np.random.choice(size, count, replace=False))  # noqa: NPY002
