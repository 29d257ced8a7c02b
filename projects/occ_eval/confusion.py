"""Confusion matrices and what is derived from them. C classes."""

import numpy as np

from projects.compute import numba_enabled

from .classes import UNLABELLED

NAN_POLICIES = ('both', 'label')


def confusion_matrix(
    pred: np.ndarray,
    target: np.ndarray,
    num_classes: int,
    mask: np.ndarray | None = None,
    unlabelled: int | None = None,
) -> np.ndarray:
    """Count pairs of classes.

    One numba pass for uint8 arrays, NumPy otherwise; the counts are the same.

    Args:
        pred (np.ndarray): Predicted class ids, any shape.
        target (np.ndarray): True class ids, same shape.
        num_classes (int): C, at most 256.
        mask (np.ndarray | None): Bool, same shape; only these elements count. Defaults to None (all).
        unlabelled (int | None): Id in ``target`` of elements that do not count. Defaults to None.

    Returns:
        np.ndarray: Rows are true, columns predicted classes. Shape (C, C), int64.

    Raises:
        ValueError: If shapes differ, the mask is not bool, or an id that counts is out of range.
    """
    if pred.shape != target.shape:
        raise ValueError(f'pred and target must have one shape, got {pred.shape} and {target.shape}')
    if mask is not None and (mask.dtype != np.bool_ or mask.shape != target.shape):
        raise ValueError(f'mask must be bool {target.shape}, got {mask.dtype} {mask.shape}')
    if _fits_kernel(pred, target, mask) and numba_enabled():
        from . import kernels

        hist = np.zeros((num_classes + 1, num_classes + 1), np.int64)
        flat_pred, flat_target = pred.reshape(-1), target.reshape(-1)
        flat_mask = flat_pred if mask is None else mask.reshape(-1).view(np.uint8)
        skipped = -1 if unlabelled is None else unlabelled
        kernels.count_pairs(flat_pred, flat_target, flat_mask, mask is not None, skipped, hist)
        if not (hist[num_classes].any() or hist[:, num_classes].any()):
            return hist[:num_classes, :num_classes].copy()
    return _confusion_numpy(pred, target, num_classes, mask, unlabelled)


def _fits_kernel(*arrays: np.ndarray | None) -> bool:
    return all(a is None or (a.dtype.itemsize == 1 and a.dtype.kind in 'ub' and a.flags.c_contiguous) for a in arrays)


def _confusion_numpy(
    pred: np.ndarray, target: np.ndarray, num_classes: int, mask: np.ndarray | None, unlabelled: int | None
) -> np.ndarray:
    pred, target = pred.reshape(-1), target.reshape(-1)
    if unlabelled is not None and (target == unlabelled).any():
        labelled = target != unlabelled
        mask = labelled if mask is None else labelled & mask.reshape(-1)
    if mask is not None:
        chosen = np.flatnonzero(mask)  # indices are much faster than a bool mask where few elements count
        pred, target = pred[chosen], target[chosen]
    for name, ids in (('pred', pred), ('target', target)):
        if ids.size and (int(ids.max()) >= num_classes or int(ids.min()) < 0):
            raise ValueError(
                f'{name} holds class ids {int(ids.min())}..{int(ids.max())}, expected 0..{num_classes - 1}'
            )
    index = target.astype(np.uint16) * np.uint16(num_classes) + pred.astype(np.uint16)
    counts = np.bincount(index, minlength=num_classes * num_classes)
    return counts.reshape(num_classes, num_classes).astype(np.int64)


def iou_from_confusion(hist: np.ndarray, nan_policy: str = 'both') -> np.ndarray:
    """Intersection over union of each class.

    Args:
        hist (np.ndarray): Confusion matrix. Shape (C, C).
        nan_policy (str): When a class has no IoU (NaN): 'both' if it is in neither label nor prediction (Occ3D),
            'label' if it is not in the label (SparseOcc's mIoU). Defaults to 'both'.

    Returns:
        np.ndarray: Shape (C,), float64.

    Raises:
        ValueError: If the policy is none of the two.
    """
    if nan_policy not in NAN_POLICIES:
        raise ValueError(f"nan_policy must be 'both' or 'label', got {nan_policy!r}")
    true_positive = np.diag(hist).astype(np.float64)
    in_label = hist.sum(1)
    union = in_label + hist.sum(0) - true_positive
    counted = (union > 0) if nan_policy == 'both' else (in_label > 0)
    return np.divide(true_positive, union, out=np.full(len(hist), np.nan), where=counted)


def mean_of_present(values: np.ndarray) -> float:
    """Mean without NaN; NaN when there is nothing else."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else float('nan')


def mean_iou(hist: np.ndarray, free_class: int, nan_policy: str = 'both') -> float:
    """Mean IoU as Occ3D defines it: all classes but free, NaN classes left out, free still counts as an error."""
    return mean_of_present(np.delete(iou_from_confusion(hist, nan_policy), free_class))


def geometric_iou(hist: np.ndarray, free_class: int) -> float:
    """IoU of occupied against free, whatever the class."""
    occupied = np.arange(len(hist)) != free_class
    both = hist[np.ix_(occupied, occupied)].sum()
    union = hist.sum() - hist[free_class, free_class]
    return float(both / union) if union else float('nan')


def occ_confusion(pred: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Confusion matrix of an Occ3D frame: 18 classes, label voxels with id 255 left out. Shape (18, 18)."""
    return confusion_matrix(pred, target, 18, mask, unlabelled=UNLABELLED)
