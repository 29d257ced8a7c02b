"""nuScenes lidarseg: mIoU of the challenge, and point labels looked up from voxels. P points, X/Y/Z voxels."""

import numpy as np

from .classes import LIDARSEG_FROM_FINE, OCC3D, check_grid
from .confusion import iou_from_confusion, mean_of_present
from .spec import OccSpec

NUM_FINE, NUM_CLASSES = 32, 17


def labels_at_points(occ: np.ndarray, points: np.ndarray, nearest: bool = False, spec: OccSpec = OCC3D) -> np.ndarray:
    """Class of the voxel around each point.

    Args:
        occ (np.ndarray): Class ids of Occ3D. Shape (X, Y, Z).
        points (np.ndarray): x, y, z in metres in the ego frame of the grid. Shape (P, 3).
        nearest (bool): Whether points without a class take that of the nearest voxel that has one, as the challenge
            wants a class for every point. Defaults to False.
        spec (OccSpec): Grid of ``occ``, with the classes of Occ3D. Defaults to that of Occ3D-nuScenes.

    Returns:
        np.ndarray: 1..16; 0 for points outside the grid, and for voxels that are free or 'others'. Shape (P,), uint8.

    Raises:
        ValueError: If the volume has another grid, the classes are not those of Occ3D, or voxels are no cubes.
    """
    check_grid(occ.shape, 'the lookup of points in voxels', spec)
    if spec.classes != OCC3D.classes:
        raise ValueError(f'lidarseg has the classes of Occ3D-nuScenes, and the data set has {list(spec.classes)}')
    points, edge = np.asarray(points, np.float64), spec.cube_edge('the lookup of points in voxels')
    index = np.floor((points - spec.lower) / edge)
    inside = (np.isfinite(index) & (index >= 0) & (index < occ.shape)).all(1)
    labels = np.zeros(len(index), np.uint8)
    labels[inside] = occ[tuple(index[inside].astype(np.int64).T)]
    labels[labels == spec.free_class] = 0
    if nearest:
        open_points = np.flatnonzero((labels == 0) & np.isfinite(points).all(1))
        labels[open_points] = _nearest_labels(occ, points[open_points], spec.lower, edge, spec.free_class)
    return labels


def _nearest_labels(
    occ: np.ndarray, points: np.ndarray, lower: tuple[float, ...], edge: float, free_class: int
) -> np.ndarray:
    """Class of the voxel centre nearest to each point, among classes 1..16; 1 in an empty grid."""
    from scipy.spatial import cKDTree

    voxels = np.argwhere((occ > 0) & (occ < free_class))
    if not len(voxels) or not len(points):
        return np.ones(len(points), np.uint8)
    _, found = cKDTree((voxels + 0.5) * edge + lower).query(points)
    return occ[tuple(voxels[found].T)].astype(np.uint8)


def length_problem(name: str, labels: int, points: int) -> str | None:
    """What is wrong with the number of labels of a scan, or None.

    Args:
        name (str): The file.
        labels (int): How many bytes it has.
        points (int): How many points the scan has.
    """
    if labels == points:
        return None
    width = next((width for width in (2, 4, 8) if labels == width * points), None)
    hint = f'; that is {width} bytes for each point, expected one: write the ids as uint8' if width else ''
    return f'{name} has {labels} labels for {points} points{hint}'


def lidarseg_confusion(pred: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Count pairs of a predicted challenge id and the id of the label as its file has it.

    Label files hold 32 categories or the 17 challenge ids; which one, :func:`lidarseg_iou` decides for all frames.

    Args:
        pred (np.ndarray): Challenge ids 0..16. Shape (P,), uint8.
        target (np.ndarray): Ids 0..31. Shape (P,), uint8.

    Returns:
        np.ndarray: Shape (32, 17), int64.

    Raises:
        ValueError: If lengths differ or an id is out of range.
    """
    if pred.shape != target.shape or pred.ndim != 1:
        raise ValueError(f'{pred.size} predicted labels for {target.size} points')
    for name, ids, count in (('prediction', pred, NUM_CLASSES), ('label', target, NUM_FINE)):
        if ids.size and int(ids.max()) >= count:
            raise ValueError(f'{name} holds id {int(ids.max())}, expected 0..{count - 1}')
    index = target.astype(np.int64) * NUM_CLASSES + pred
    return np.bincount(index, minlength=NUM_FINE * NUM_CLASSES).reshape(NUM_FINE, NUM_CLASSES)


def lidarseg_iou(hist: np.ndarray, label_ids: str = 'auto') -> np.ndarray:
    """IoU of the classes of the challenge.

    Points of class 0 do not count. A prediction of 0 for any other point, which the devkit refuses, is an error.

    Args:
        hist (np.ndarray): Sum of :func:`lidarseg_confusion`. Shape (32, 17).
        label_ids (str): Ids of the label files: 'fine' (32 categories, as nuScenes has them), 'challenge' (0..16), or
            'auto', which finds fine ids by the ids above 16 that every real drive has. Defaults to 'auto'.

    Returns:
        np.ndarray: IoU of ids 1..16; NaN if in neither label nor prediction. Shape (16,), float64.

    Raises:
        ValueError: If ids above 16 are counted although ``label_ids`` is 'challenge', or it has another value.
    """
    if label_ids not in ('auto', 'fine', 'challenge'):
        raise ValueError(f"label_ids must be 'auto', 'fine' or 'challenge', got {label_ids!r}")
    if label_ids == 'challenge' and hist[NUM_CLASSES:].any():
        raise ValueError("labels hold ids above 16, so they are not challenge ids; use label_ids='fine'")
    merged = np.zeros((NUM_CLASSES, NUM_CLASSES), np.int64)
    if uses_fine_ids(hist) if label_ids == 'auto' else label_ids == 'fine':
        np.add.at(merged, np.array(LIDARSEG_FROM_FINE), hist)
    else:
        merged += hist[:NUM_CLASSES]
    merged[0] = 0
    return iou_from_confusion(merged)[1:]


def uses_fine_ids(hist: np.ndarray) -> bool:
    """Whether label ids above 16 were counted. Shape of ``hist``: (32, 17)."""
    return bool(hist[NUM_CLASSES:].any())


def lidarseg_miou(hist: np.ndarray, label_ids: str = 'auto') -> float:
    """Mean IoU of the 16 classes, NaN classes left out."""
    return mean_of_present(lidarseg_iou(hist, label_ids))
