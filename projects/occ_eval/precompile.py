"""A small frame that compiles every kernel of this package."""

from collections.abc import Callable

import numpy as np

from .classes import OCC3D_SHAPE
from .confusion import occ_confusion
from .fscore import occupancy_fscore
from .rayiou import ray_counts


def _score() -> None:
    ids, mask = np.zeros(OCC3D_SHAPE, np.uint8), np.ones(OCC3D_SHAPE, bool)
    for chosen in (mask, None):
        occ_confusion(ids, ids, chosen)
    ray_counts(ids, ids, np.zeros((1, 3)), rays=np.ones((1, 3), np.float32))
    occupancy_fscore(ids, ids)


#: What to run, by what it is.
WORKLOADS: dict[str, Callable[[], None]] = {'metrics': _score}
