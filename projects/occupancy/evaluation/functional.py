"""Occupancy metrics as pure functions of numpy arrays. C classes."""

import numpy as np


def confusion_matrix(
    pred: np.ndarray, target: np.ndarray, num_classes: int, mask: np.ndarray | None = None
) -> np.ndarray:
    """Count pairs of classes.

    Args:
        pred (np.ndarray): Predicted class ids, any shape.
        target (np.ndarray): True class ids, same shape.
        num_classes (int): C, at most 256.
        mask (np.ndarray | None): Bool, same shape; only these elements count. Defaults to None (all).

    Returns:
        np.ndarray: Rows are true, columns predicted classes. Shape (C, C), int64.

    Raises:
        ValueError: If shapes differ, the mask is not bool, or an id is out of range.
    """
    if pred.shape != target.shape:
        raise ValueError(f'pred and target must have one shape, got {pred.shape} and {target.shape}')
    if mask is not None:
        if mask.dtype != np.bool_ or mask.shape != target.shape:
            raise ValueError(f'mask must be bool {target.shape}, got {mask.dtype} {mask.shape}')
        pred, target = pred[mask], target[mask]
    for name, ids in (('pred', pred), ('target', target)):
        if ids.size and (int(ids.max()) >= num_classes or int(ids.min()) < 0):
            raise ValueError(
                f'{name} holds class ids {int(ids.min())}..{int(ids.max())}, expected 0..{num_classes - 1}'
            )
    index = target.astype(np.uint16) * np.uint16(num_classes) + pred.astype(np.uint16)
    counts = np.bincount(index.reshape(-1), minlength=num_classes * num_classes)
    return counts.reshape(num_classes, num_classes).astype(np.int64)


def iou_from_confusion(hist: np.ndarray) -> np.ndarray:
    """Intersection over union of each class; NaN for a class in neither target nor prediction.

    Args:
        hist (np.ndarray): Confusion matrix. Shape (C, C).

    Returns:
        np.ndarray: Shape (C,), float64.
    """
    true_positive = np.diag(hist).astype(np.float64)
    union = hist.sum(0) + hist.sum(1) - true_positive
    return np.divide(true_positive, union, out=np.full(len(hist), np.nan), where=union > 0)


def mean_iou(hist: np.ndarray, free_class: int) -> float:
    """Mean IoU as Occ3D defines it: all classes but free, NaN classes left out, free still counts as an error."""
    values = np.delete(iou_from_confusion(hist), free_class)
    return float(np.nanmean(values)) if np.isfinite(values).any() else float('nan')


def geometric_iou(hist: np.ndarray, free_class: int) -> float:
    """IoU of occupied against free, whatever the class."""
    occupied = np.arange(len(hist)) != free_class
    both = hist[np.ix_(occupied, occupied)].sum()
    union = hist.sum() - hist[free_class, free_class]
    return float(both / union) if union else float('nan')
