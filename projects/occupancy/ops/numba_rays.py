"""numba kernel that marks the voxels which LiDAR rays pass before they end. Imported on first use only. P points."""
# numba infers the types of the arguments, so the kernel is not annotated:
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code=no-untyped-def

import math
from collections.abc import Sequence

import numpy as np

from projects.compute.kernels import kernel


@kernel()
def _mark(origin, ends, passed):
    """Write True into the voxels between ``origin`` and each of ``ends``, both in voxels (Amanatides and Woo)."""
    cell, step = np.empty(3, np.int64), np.empty(3, np.int64)
    face, delta = np.empty(3, np.float64), np.empty(3, np.float64)
    for p in range(len(ends)):
        left = 0
        for axis in range(3):
            cell[axis] = math.floor(origin[axis])
            left += abs(math.floor(ends[p, axis]) - cell[axis])
            d = ends[p, axis] - origin[axis]
            step[axis] = 1 if d > 0 else -1
            face[axis], delta[axis] = np.inf, np.inf
            if d != 0:
                face[axis] = (cell[axis] + (d > 0) - origin[axis]) / d
                delta[axis] = abs(1.0 / d)
        for _ in range(left):  # the voxel of the end is not marked
            i, j, k = cell
            if 0 <= i < passed.shape[0] and 0 <= j < passed.shape[1] and 0 <= k < passed.shape[2]:
                passed[i, j, k] = True
            nearest = 0 if face[0] <= face[1] else 1
            nearest = nearest if face[nearest] <= face[2] else 2
            cell[nearest] += step[nearest]
            face[nearest] += delta[nearest]


def passed_voxels(
    origin: np.ndarray, ends: np.ndarray, point_cloud_range: Sequence[float], shape: Sequence[int]
) -> np.ndarray:
    """Voxels that rays pass from one origin to their ends, those of the ends left out.

    Args:
        origin (np.ndarray): In metres, inside the box or outside. Shape (3,).
        ends (np.ndarray): In metres, in the same frame. Shape (P, 3).
        point_cloud_range (Sequence[float]): Box: x, y, z minimum, then maximum.
        shape (Sequence[int]): X, Y, Z.

    Returns:
        np.ndarray: Shape (X, Y, Z), bool. A voxel may be passed by one ray and hold the end of another.
    """
    low, high = np.asarray(point_cloud_range, np.float64).reshape(2, 3)
    size = (high - low) / shape
    ends = np.asarray(ends, np.float64)
    ends = ends[np.isfinite(ends).all(1)]
    passed = np.zeros(tuple(shape), bool)
    _mark((np.asarray(origin, np.float64) - low) / size, np.ascontiguousarray((ends - low) / size), passed)
    return passed
