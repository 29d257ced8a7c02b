"""RayIoU (SparseOcc, arXiv:2312.17118). R rays, T origins, X/Y/Z voxels.

A ray hits the first occupied voxel of a grid. A ray counts when it hits something in the label; it is right within a
threshold when the prediction has the same class at a distance that differs by less. No mask is used, and matter that a
prediction invents where the label is empty goes unpunished: both are part of the definition. A ray whose first voxel
that is not free in the label is not labelled (255) is dropped: nobody knows what it hits.
"""

import math
from functools import lru_cache

import numpy as np

from projects.compute.pool import run_in_parts

from .classes import OCC3D, UNLABELLED, check_grid
from .confusion import mean_of_present
from .grids import check_class_ids
from .spec import OccSpec

THRESHOLDS = (1, 2, 4)
"""Metres."""


@lru_cache(maxsize=1)
def lidar_rays() -> np.ndarray:
    """Directions of an idealised LiDAR: 39 pitches from -45 degrees to 12.6 degrees, 360 azimuths each.

    Returns:
        np.ndarray: Pitch varies slowest. Shape (14040, 3), float32, read-only.
    """
    pitches = [-(math.pi / 2 - math.atan(k + 1)) for k in range(10)]
    while pitches[-1] < 0.21:
        pitches.append(pitches[-1] + (pitches[-1] - pitches[-2]))
    pitch, azimuth = np.array(pitches)[:, None], np.deg2rad(np.arange(0, 360, 1))
    rays = np.stack(
        np.broadcast_arrays(np.cos(pitch) * np.cos(azimuth), np.cos(pitch) * np.sin(azimuth), np.sin(pitch)), -1
    )
    rays = rays.reshape(-1, 3).astype(np.float32)
    rays.setflags(write=False)
    return rays


def ray_counts(
    pred: np.ndarray,
    target: np.ndarray,
    origins: np.ndarray,
    threads: int = 1,
    rays: np.ndarray | None = None,
    spec: OccSpec = OCC3D,
) -> np.ndarray:
    """Count the rays of one frame; counts of frames add up.

    Coordinates are those of the published code: origins in float64, divided by the voxel size in
    float32, rounded to float32.

    Args:
        pred (np.ndarray): Predicted class ids. Shape (X, Y, Z), uint8.
        target (np.ndarray): True class ids, 255 for voxels that are not labelled. Shape (X, Y, Z), uint8.
        origins (np.ndarray): In metres in the ego frame. Shape (T, 3).
        threads (int): Threads to use. Defaults to 1.
        rays (np.ndarray | None): Directions (R, 3) float32. Defaults to None (:func:`lidar_rays`).
        spec (OccSpec): Grid and classes. Voxels must be cubes. Defaults to Occ3D-nuScenes.

    Returns:
        np.ndarray: Rows: right rays within 1, 2 and 4 m, rays of the label, rays of the prediction; columns: the C
        classes without free. Shape (5, C), int64; C is 17 for Occ3D.

    Raises:
        ValueError: If shapes, dtypes or class ids do not fit, or the grid is not that of the spec.
    """
    from . import kernels

    _check_grids(pred, target, spec)
    origins = np.ascontiguousarray(origins, np.float64)
    if origins.ndim != 2 or origins.shape[1] != 3:
        raise ValueError(f'origins must be (T, 3), got {origins.shape}')
    voxel, free_class = np.float32(spec.cube_edge('RayIoU')), spec.free_class
    rays = lidar_rays() if rays is None else np.ascontiguousarray(rays, np.float32)
    pred, target, shape = np.ascontiguousarray(pred).reshape(-1), np.ascontiguousarray(target).reshape(-1), pred.shape
    occupied = np.empty_like(pred)
    kernels.mark_occupied(pred, target, free_class, occupied)
    counts = np.zeros((threads, len(THRESHOLDS) + 2, 256), np.int64)

    frame = (rays, origins, np.array(spec.lower, np.float64), float(voxel), voxel, shape, occupied, pred, target)
    rules = (free_class, UNLABELLED, np.array(THRESHOLDS, np.float32))

    def count(part: int, first: int, last: int) -> None:
        sums = (counts[part, : len(THRESHOLDS)], counts[part, -2], counts[part, -1])
        kernels.count_rays(first, last, *frame, *rules, *sums)

    run_in_parts(count, len(origins) * len(rays), threads)
    return counts.sum(0)[:, :free_class]


def _check_grids(pred: np.ndarray, target: np.ndarray, spec: OccSpec) -> None:
    """Refuse arrays that are no label and prediction of the spec; see :func:`ray_counts`."""
    if pred.shape != target.shape or pred.ndim != 3 or pred.dtype != np.uint8 or target.dtype != np.uint8:
        raise ValueError(
            f'pred and target must be uint8 of one shape (X, Y, Z), got {pred.dtype} {pred.shape} and '
            f'{target.dtype} {target.shape}'
        )
    check_grid(pred.shape, 'RayIoU', spec)
    spec.cube_edge('RayIoU')  # refuses voxels that are no cubes
    check_class_ids(pred, 'pred', spec.free_class + 1)
    check_class_ids(target, 'target', spec.free_class + 1, unlabelled=True)


def rayiou_from_counts(counts: np.ndarray) -> np.ndarray:
    """IoU of each class at each threshold; NaN for a class that no ray of label or prediction hits.

    Args:
        counts (np.ndarray): Sum of :func:`ray_counts`. Shape (5, C).

    Returns:
        np.ndarray: Shape (3, C), float64.
    """
    right, union = counts[:-2].astype(np.float64), counts[-2] + counts[-1] - counts[:-2]
    return np.divide(right, union, out=np.full(right.shape, np.nan), where=union > 0)


def mean_rayiou(counts: np.ndarray) -> dict[str, float]:
    """RayIoU: ``mean`` over thresholds and classes, and '1', '2', '4' over classes; NaN classes are left out."""
    iou = rayiou_from_counts(counts)
    scores = {'mean': mean_of_present(iou)}
    scores.update({str(metres): mean_of_present(row) for metres, row in zip(THRESHOLDS, iou)})
    return scores
