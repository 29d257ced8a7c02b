"""Signs that predictions mean something else than the labels: another free class, or axes in another order.

Such files have the right shape and dtype, so they are scored, badly. A look at a few frames before all are scored says
so at once.
"""

from collections.abc import Callable, Sequence

import numpy as np

from .classes import FREE_CLASS, OCC3D_CLASSES, UNLABELLED
from .files import Frame, read_occ_label, read_occ_prediction

LOOKED_AT = 4
"""Frames, evenly over all."""
_MOST = 0.5
_CLEARLY = 1.5
_CLEARLY_MORE = 0.1
_TURNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    'pred[::-1]': lambda grid: grid[::-1],
    'pred[:, ::-1]': lambda grid: grid[:, ::-1],
    'pred[::-1, ::-1]': lambda grid: grid[::-1, ::-1],
    'pred.transpose(1, 0, 2)': lambda grid: grid.transpose(1, 0, 2),
    'pred.transpose(1, 0, 2)[::-1]': lambda grid: grid.transpose(1, 0, 2)[::-1],
    'pred.transpose(1, 0, 2)[:, ::-1]': lambda grid: grid.transpose(1, 0, 2)[:, ::-1],
    'pred.transpose(1, 0, 2)[::-1, ::-1]': lambda grid: grid.transpose(1, 0, 2)[::-1, ::-1],
    'pred[:, :, ::-1]': lambda grid: grid[:, :, ::-1],
}
"""What may have been done to the axes (X, Y, Z), by the expression that undoes it."""


def occ_doubts(frames: Sequence[Frame]) -> list[str]:
    """Warnings about predictions, from a few frames; none for frames that cannot be read, which scoring names.

    Args:
        frames (Sequence[Frame]): All frames that are scored.
    """
    pairs = []
    for index in np.unique(np.linspace(0, len(frames) - 1, LOOKED_AT).round().astype(int)) if frames else ():
        try:
            pairs.append((read_occ_prediction(frames[index].pred), read_occ_label(frames[index].label)[0]))
        except (OSError, ValueError):
            continue
    warning = (other_free_class([pred for pred, _ in pairs]) or other_axes(pairs)) if pairs else None
    return [warning] if warning else []


def other_free_class(preds: Sequence[np.ndarray]) -> str | None:
    """Warning about predictions (X, Y, Z) of which most voxels have another class than free, or None."""
    counts = sum(np.bincount(pred.reshape(-1), minlength=FREE_CLASS + 1) for pred in preds)
    most, share = int(np.argmax(counts)), np.max(counts) / np.sum(counts)
    if most == FREE_CLASS or share <= _MOST:
        return None
    return (
        f'{100 * share:.0f} % of the voxels of {len(preds)} predictions are {most} ({OCC3D_CLASSES[most]}), but free '
        f'space is {FREE_CLASS}: if {most} is free in these files, their classes have another order than those of '
        f'Occ3D-nuScenes (0 others .. {FREE_CLASS - 1} vegetation, {FREE_CLASS} free), and the scores mean nothing'
    )


def other_axes(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> str | None:
    """Warning about predictions that fit their labels, (X, Y, Z) each, far better when their axes are turned, or None.

    Turned means mirrored in x, y or z, or x and y swapped; what counts is the IoU of occupied voxels.
    """
    as_is = _occupied_iou(pairs, lambda grid: grid)
    ious = {turn: _occupied_iou(pairs, function) for turn, function in _TURNS.items()}
    best = max(ious, key=lambda turn: ious[turn])
    if ious[best] < max(_CLEARLY * as_is, as_is + _CLEARLY_MORE):
        return None
    return (
        f'on {len(pairs)} frames the IoU of occupied voxels is {100 * as_is:.1f} %, but {100 * ious[best]:.1f} % with '
        f'{best}: the axes of the predictions are not x (forward), y (left), z (up) of the ego frame, perhaps; turn '
        'them so before you write them'
    )


def _occupied_iou(pairs: Sequence[tuple[np.ndarray, np.ndarray]], turn: Callable[[np.ndarray], np.ndarray]) -> float:
    both = either = 0
    for pred, target in pairs:
        occupied = turn(pred != FREE_CLASS) & (target != UNLABELLED)
        wanted = (target != FREE_CLASS) & (target != UNLABELLED)
        both += np.count_nonzero(occupied & wanted)
        either += np.count_nonzero(occupied | wanted)
    return both / either if either else 0.0
