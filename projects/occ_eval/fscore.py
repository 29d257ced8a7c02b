"""F-score of the CVPR 2023 occupancy challenge: how many occupied voxels have an occupied voxel of the other near them.

Published code measures distances of voxel centres in float64 and compares with ``<``. Neighbours are exactly one voxel
apart, so at a threshold of one voxel (the challenge used 0.4 m) rounding decides, and the score depends on where in the
grid a voxel is. Here distances are compared as integers in index space; ``official=True`` repeats the published
arithmetic.
"""

import itertools
import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from .classes import OCC3D, UNLABELLED
from .grids import check_class_ids
from .spec import OccSpec

CHALLENGE_THRESHOLD = 0.4
_EPS = 1e-8


class FScore(NamedTuple):
    """Scores of one frame, each in 0..1.

    Attributes:
        fscore (float): Harmonic mean of the two others.
        precision (float): Share of predicted voxels near a labelled one ("accuracy" in the published code).
        recall (float): Share of labelled voxels near a predicted one ("completeness").
    """

    fscore: float
    precision: float
    recall: float


def near_offsets(threshold: float, voxel: float, official: bool) -> np.ndarray:
    """Offsets of voxels whose centres may be nearer than ``threshold`` metres, nearest first. Shape (K, 3), int64.

    In index space these are all that count; for the published arithmetic they include those on the limit.
    """
    ratio = Fraction(repr(threshold)) / Fraction(repr(voxel))
    limit = ratio * ratio
    reach = range(-math.floor(ratio), math.floor(ratio) + 1)
    offsets = [(sum(i * i for i in o), o) for o in itertools.product(reach, reach, reach)]
    return np.array([o for n, o in sorted(offsets) if (n <= limit if official else n < limit)], np.int64).reshape(-1, 3)


def occupancy_fscore(
    pred: np.ndarray,
    target: np.ndarray,
    mask: np.ndarray | None = None,
    threshold: float = CHALLENGE_THRESHOLD,
    official: bool = False,
    spec: OccSpec = OCC3D,
) -> FScore:
    """F-score of one frame.

    Args:
        pred (np.ndarray): Predicted class ids. Shape (X, Y, Z), uint8.
        target (np.ndarray): True class ids; where it is 255 (not labelled), both are empty. Shape (X, Y, Z), uint8.
        mask (np.ndarray | None): Bool; voxels outside it are empty in both. Defaults to None.
        threshold (float): Metres; a neighbour must be nearer than this. Defaults to 0.4, as in the challenge (the
            published class has 0.6 as its own default).
        official (bool): Whether to use the published float arithmetic. Defaults to False.
        spec (OccSpec): Classes, voxels and, for the published arithmetic, the corner of the grid; its shape is not
            looked at. Voxels must be cubes. Defaults to Occ3D-nuScenes.

    Returns:
        FScore: All zero if the prediction is empty, as published. An empty label with a prediction, which stops the
        published code, scores zero.

    Raises:
        ValueError: If shapes differ, the threshold is not positive, class ids do not fit or voxels are no cubes.
    """
    from . import kernels

    if pred.shape != target.shape or pred.ndim != 3:
        raise ValueError(f'pred and target must have one shape (X, Y, Z), got {pred.shape} and {target.shape}')
    if not 0 < threshold < math.inf:
        raise ValueError(f'threshold must be a positive number of metres, got {threshold}')
    voxel, num_classes = spec.cube_edge('F-score'), len(spec.classes)
    check_class_ids(pred, 'pred', num_classes)
    check_class_ids(target, 'target', num_classes, unlabelled=True)
    counted = target != UNLABELLED if mask is None else (target != UNLABELLED) & mask
    occupied = [(ids != spec.free_class) & counted for ids in (pred, target)]
    offsets = near_offsets(threshold, voxel, official)
    tables = tuple(np.arange(n) * voxel + voxel / 2 + low for n, low in zip(pred.shape, spec.lower))
    limit = threshold if official else math.inf
    precision, recall = (
        near / total if total else 0.0
        for near, total in (
            kernels.count_near(source, goal, offsets, tables, limit) for source, goal in (occupied, occupied[::-1])
        )
    )
    return FScore(_harmonic_mean(precision, recall, official and bool(occupied[0].any())), precision, recall)


def _harmonic_mean(first: float, second: float, with_eps: bool) -> float:
    if with_eps:
        return 2.0 / (1 / (first + _EPS) + 1 / (second + _EPS))
    return 2 * first * second / (first + second) if first + second else 0.0
