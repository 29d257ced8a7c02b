"""Hole filling of the KITTI devkit (``interpolateBackground`` of ``io_depth.h``)."""

import numpy as np


def _neighbours(valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Column of the nearest valid pixel at or before, and at or after, every pixel; -1 and W if there is none."""
    width = valid.shape[1]
    columns = np.arange(width)
    before = np.maximum.accumulate(np.where(valid, columns, -1), axis=1)
    after = np.minimum.accumulate(np.where(valid, columns, width)[:, ::-1], axis=1)[:, ::-1]
    return before, after


def interpolate_background(depth: np.ndarray) -> np.ndarray:
    """Fill the holes of a predicted depth map.

    In every row a gap takes the smaller one of its two neighbours, and the ends of the row extend the nearest valid
    pixel. Rows without any valid pixel then take the nearest row above or below that has one, as the devkit extends
    columns at the top and at the bottom; empty rows in the middle stay empty, as they do there.

    Args:
        depth (np.ndarray): z-depth in metres, 0 = hole. Shape (H, W).

    Returns:
        np.ndarray: Filled copy, float64. A map without any valid pixel stays 0.
    """
    filled = np.asarray(depth, np.float64).copy()
    valid = filled > 0
    if valid.all() or not valid.any():
        return filled
    before, after = _neighbours(valid)
    width = filled.shape[1]
    left = np.take_along_axis(filled, np.clip(before, 0, None), axis=1)
    right = np.take_along_axis(filled, np.clip(after, None, width - 1), axis=1)
    value = np.where(before < 0, right, np.where(after >= width, left, np.minimum(left, right)))
    filled = np.where(valid, filled, np.where((before < 0) & (after >= width), 0.0, value))
    rows = np.flatnonzero((filled > 0).any(axis=1))
    filled[: rows[0]] = filled[rows[0]]
    filled[rows[-1] + 1 :] = filled[rows[-1]]
    return filled
