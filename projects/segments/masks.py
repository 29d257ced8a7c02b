"""Masks of a segmenter into segments: which are kept, and which lies on top. M masks of H x W pixels."""

import numpy as np
import torch
from mmcv.ops import batched_nms
from torch import Tensor


def stability_scores(logits: Tensor, offset: float = 1.0) -> Tensor:
    """IoU of the masks above ``offset`` and above ``-offset``: how little the threshold matters.

    Args:
        logits (Tensor): Mask logits, 0 is the border. Shape (M, H, W).
        offset (float): Distance from the border. Defaults to 1 (default of SAM).

    Returns:
        Tensor: In [0, 1], shape (M,); 0 where nothing is above ``-offset``.
    """
    inner = (logits > offset).flatten(1).sum(1)
    outer = (logits > -offset).flatten(1).sum(1)
    return inner / outer.clamp_min(1)


def mask_boxes(masks: Tensor) -> Tensor:
    """Boxes around masks.

    Args:
        masks (Tensor): Shape (M, H, W), bool.

    Returns:
        Tensor: First column and row, and those after the last; zero for an empty mask. Shape (M, 4), float32.
    """
    boxes = []
    for axis in (1, 2):  # columns, then rows
        hit = masks.any(axis)
        first = hit.float().argmax(1)
        last = hit.shape[1] - hit.flip(1).float().argmax(1)
        boxes.append((first * hit.any(1), last * hit.any(1)))
    (left, right), (top, bottom) = boxes
    return torch.stack([left, top, right, bottom], dim=1).float()


def good_masks(logits: Tensor, scores: Tensor, min_iou: float, min_stability: float) -> Tensor:
    """Masks that are not empty, and good enough by the model's own score and by their stability.

    Args:
        logits (Tensor): Shape (M, H, W).
        scores (Tensor): IoU with the truth that the model predicts. Shape (M,).
        min_iou (float): Smallest score.
        min_stability (float): Smallest stability score.

    Returns:
        Tensor: Indices in ascending order, int64.
    """
    good = (scores > min_iou) & (stability_scores(logits) >= min_stability) & (logits > 0).flatten(1).any(1)
    return good.nonzero().flatten()


def distinct_masks(masks: Tensor, scores: Tensor, max_iou: float) -> Tensor:
    """Masks without those whose box overlaps that of a better one (non-maximum suppression).

    Args:
        masks (Tensor): Shape (M, H, W), bool.
        scores (Tensor): Shape (M,).
        max_iou (float): Largest IoU of two boxes of which both are kept.

    Returns:
        Tensor: Indices, best first, int64.
    """
    if not len(masks):
        return torch.zeros(0, dtype=torch.int64, device=masks.device)
    one_class = torch.zeros(len(masks), dtype=torch.int64, device=masks.device)
    _, kept = batched_nms(mask_boxes(masks), scores.float(), one_class, {'type': 'nms', 'iou_threshold': max_iou})
    return kept


def paint_masks(masks: np.ndarray) -> np.ndarray:
    """Paint masks into one map, the largest first, so that the smallest lies on top.

    Args:
        masks (np.ndarray): Shape (M, H, W), bool. Of two of one size the later lies on top.

    Returns:
        np.ndarray: (H, W) int64, mask ``m`` as ``m + 1``; 0 where none is. A mask that others cover is not in it.
    """
    labels = np.zeros(masks.shape[1:], np.int64)
    for index in np.argsort(-masks.sum((1, 2)), kind='stable'):
        labels[masks[index]] = index + 1
    return labels
