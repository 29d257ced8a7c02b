"""Depth metrics of one image, and their means over images. N valid pixels."""

import math
from collections.abc import Sequence

import numpy as np

from .crops import crop_mask, kb_crop
from .holes import interpolate_background

EIGEN_KEYS = ('abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'log10', 'silog', 'd1', 'd2', 'd3', 'irmse')
KITTI_KEYS = ('silog', 'sq_error_rel', 'abs_error_rel', 'irmse')


def _check(gt: np.ndarray, pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if gt.shape != pred.shape:
        raise ValueError(f'gt and pred must have one shape, got {gt.shape} and {pred.shape}')
    return gt.astype(np.float64), pred.astype(np.float64)


def _silog(delta: np.ndarray) -> float:
    """SILog, log(m) * 100; the difference of two means can fall below 0 by rounding."""
    return 100 * math.sqrt(max(float((delta**2).mean() - delta.mean() ** 2), 0.0))


def eigen_metrics(gt: np.ndarray, pred: np.ndarray) -> dict[str, float]:
    """Metrics of the Eigen protocol.

    Args:
        gt (np.ndarray): True depth of the valid pixels in metres, positive. Shape (N,), N > 0.
        pred (np.ndarray): Predicted depth in metres, positive. Shape (N,).

    Returns:
        dict[str, float]: ``EIGEN_KEYS``; rmse in metres, silog times 100, irmse in 1/km. ``sq_rel`` divides by gt.
    """
    gt, pred = _check(gt, pred)
    delta = np.log(pred) - np.log(gt)
    ratio = np.maximum(gt / pred, pred / gt)
    return {
        'abs_rel': float((np.abs(gt - pred) / gt).mean()),
        'sq_rel': float(((gt - pred) ** 2 / gt).mean()),
        'rmse': math.sqrt(((gt - pred) ** 2).mean()),
        'rmse_log': math.sqrt((delta**2).mean()),
        'log10': float(np.abs(np.log10(gt) - np.log10(pred)).mean()),
        'silog': _silog(delta),
        **{f'd{k}': float((ratio < 1.25**k).mean()) for k in (1, 2, 3)},
        'irmse': 1000 * math.sqrt(((1 / gt - 1 / pred) ** 2).mean()),
    }


def kitti_metrics(gt: np.ndarray, pred: np.ndarray) -> dict[str, float]:
    """Metrics of the KITTI benchmark in the units of its site.

    Args:
        gt (np.ndarray): True depth of the valid pixels in metres, positive. Shape (N,), N > 0.
        pred (np.ndarray): Predicted depth in metres, positive. Shape (N,).

    Returns:
        dict[str, float]: ``KITTI_KEYS``: log(m) * 100, percent, percent, 1/km. ``sq_error_rel`` divides by gt squared.
    """
    gt, pred = _check(gt, pred)
    return {
        'silog': _silog(np.log(gt) - np.log(pred)),
        'sq_error_rel': 100 * float((((gt - pred) / gt) ** 2).mean()),
        'abs_error_rel': 100 * float((np.abs(gt - pred) / gt).mean()),
        'irmse': 1000 * math.sqrt(((1 / gt - 1 / pred) ** 2).mean()),
    }


def match_kb_crop(gt: np.ndarray, pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Crop the truth to 352x1216, and the prediction unless it has that size already."""
    cropped = kb_crop(gt)
    return cropped, pred if pred.shape == cropped.shape or pred.shape != gt.shape else kb_crop(pred)


def check_finite(pred: np.ndarray) -> None:
    """Refuse a prediction that holds NaN or infinity.

    Args:
        pred (np.ndarray): Depth in metres, any shape.

    Raises:
        ValueError: With the share of the pixels, and what the likely cause is.
    """
    finite = np.isfinite(pred)
    if not finite.all():
        raise ValueError(
            f'prediction holds NaN or infinity at {finite.size - int(finite.sum())} of {finite.size} pixels; weights '
            'of the model that are NaN are the likely cause: look at the loss of its training, or take an earlier '
            'checkpoint'
        )


def eigen_image(
    gt: np.ndarray,
    pred: np.ndarray,
    crop: str = 'garg',
    cap: float = 80.0,
    min_depth: float = 1e-3,
    use_kb_crop: bool = False,
) -> dict[str, float] | None:
    """Score one image with the Eigen protocol.

    Predictions are clamped to [min_depth, cap]; valid pixels have min_depth < gt < cap and lie inside the crop, whose
    shares are those of the KB-cropped frame when ``use_kb_crop`` is set. Published code takes NaN for min_depth and
    infinity for the cap: a network whose weights are NaN then has a score, so they are refused here.

    Args:
        gt (np.ndarray): True z-depth in metres, 0 = none. Shape (H, W).
        pred (np.ndarray): Predicted z-depth in metres, of the same size, or of 352x1216 with ``use_kb_crop``.
        crop (str): 'garg', 'eigen' or 'none'. Defaults to 'garg'.
        cap (float): Largest depth that counts, in metres. Defaults to 80.
        min_depth (float): Smallest depth that counts, in metres. Defaults to 1e-3.
        use_kb_crop (bool): Whether to score the frame of 352x1216. Defaults to False.

    Returns:
        dict[str, float] | None: See :func:`eigen_metrics`; None when no pixel is valid.

    Raises:
        ValueError: If the sizes differ, or the prediction holds NaN or infinity or is 0 at all valid pixels.
    """
    check_finite(pred)
    if use_kb_crop:
        gt, pred = match_kb_crop(gt, pred)
    _check_sizes(gt, pred)
    valid = (gt > min_depth) & (gt < cap) & crop_mask(gt.shape, crop)
    if not valid.any():
        return None
    pred = pred[valid].astype(np.float64)
    if not (pred > 0).any():
        raise ValueError(f'prediction is empty: it has no depth above 0 at any of the {len(pred)} pixels that count')
    return eigen_metrics(gt[valid], np.clip(pred, min_depth, cap))


def kitti_image(gt: np.ndarray, pred: np.ndarray) -> dict[str, float] | None:
    """Score one image as the KITTI devkit does: holes of the prediction are filled; no crop, no cap.

    Args:
        gt (np.ndarray): True z-depth in metres, 0 = none. Shape (H, W).
        pred (np.ndarray): Predicted z-depth in metres, 0 = hole. Same size.

    Returns:
        dict[str, float] | None: See :func:`kitti_metrics`; None when the truth is empty.

    Raises:
        ValueError: If the sizes differ, the prediction holds NaN, infinity or negative values, or holes remain at valid
            pixels after the filling (an empty prediction, for instance).
    """
    _check_sizes(gt, pred)
    check_finite(pred)
    if not (pred >= 0).all():
        raise ValueError('prediction holds negative values')
    valid = gt > 0
    if not valid.any():
        return None
    filled = interpolate_background(pred)[valid]
    if not (filled > 0).all():
        raise ValueError(f'prediction has no value at {int((filled <= 0).sum())} valid pixels, even after hole filling')
    return kitti_metrics(gt[valid], filled)


def _check_sizes(gt: np.ndarray, pred: np.ndarray) -> None:
    if gt.shape != pred.shape:
        raise ValueError(f'prediction is {pred.shape[0]}x{pred.shape[1]}, ground truth {gt.shape[0]}x{gt.shape[1]}')


def macro_average(rows: Sequence[dict[str, float] | None]) -> dict[str, float]:
    """Mean over images of each metric; images without valid pixels (None) are left out.

    The sums are exact (``math.fsum``), so the order of the images and the number of processes do not matter.

    Raises:
        ValueError: If no image has valid pixels.
    """
    scored = [row for row in rows if row is not None]
    if not scored:
        raise ValueError(f'none of {len(rows)} images has a pixel with ground truth, so there is nothing to average')
    return {key: math.fsum(row[key] for row in scored) / len(scored) for key in scored[0]}
