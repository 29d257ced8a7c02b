"""The protocols of the tools: what a frame contributes, and the report of all frames."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .classes import FREE_CLASS, LIDARSEG_CLASSES, OCC3D_CLASSES
from .confusion import geometric_iou, iou_from_confusion, mean_iou, mean_of_present, occ_confusion
from .files import Frame, read_lidarseg, read_occ_label, read_occ_prediction
from .fscore import CHALLENGE_THRESHOLD, occupancy_fscore
from .lidarseg import length_problem, lidarseg_confusion, lidarseg_iou, uses_fine_ids
from .rayiou import THRESHOLDS, mean_rayiou, ray_counts, rayiou_from_counts
from .stream import Scores, Totals

METRICS = ('miou', 'fscore', 'rayiou')


@dataclass(frozen=True)
class OccProtocol:
    """Scores of one Occ3D frame.

    Args:
        metrics (tuple[str, ...]): Of 'miou', 'fscore' and 'rayiou'.
        mask (str | None): 'camera', 'lidar' or None; RayIoU has none by definition. Defaults to 'camera'.
        f_threshold (float): Metres. Defaults to 0.4.
        f_official (bool): Whether the F-score repeats the published float arithmetic. Defaults to False.
    """

    metrics: tuple[str, ...]
    mask: str | None = 'camera'
    f_threshold: float = CHALLENGE_THRESHOLD
    f_official: bool = False

    def __call__(self, frame: Frame) -> Scores:
        """Read and score a frame."""
        masked = 'miou' in self.metrics or 'fscore' in self.metrics
        target, masks = read_occ_label(frame.label, [self.mask] if masked and self.mask else [])
        mask = masks[self.mask] if masked and self.mask else None
        pred = read_occ_prediction(frame.pred)
        scores: Scores = {}
        if 'miou' in self.metrics:
            scores['hist'] = occ_confusion(pred, target, mask)
        if 'fscore' in self.metrics:
            scores['fscore'] = occupancy_fscore(pred, target, mask, self.f_threshold, self.f_official).fscore
        if 'rayiou' in self.metrics:
            if frame.origins is None:
                raise ValueError(f'there are no ray origins for token {frame.token}')
            scores['rays'] = ray_counts(pred, target, np.array(frame.origins, np.float64).reshape(-1, 3))
        return scores


def score_lidarseg(frame: Frame) -> Scores:
    """Read and score the labels of one point cloud; a prediction of 0 is an error, as in the devkit."""
    pred, target = read_lidarseg(frame.pred), read_lidarseg(frame.label)
    problem = length_problem(frame.pred, len(pred), len(target))
    if problem:
        raise ValueError(problem)
    if not 1 <= int(pred.min()) <= int(pred.max()) <= 16:
        raise ValueError(f'{frame.pred} holds ids {int(pred.min())}..{int(pred.max())}, expected 1..16')
    return {'lidarseg': lidarseg_confusion(pred, target)}


def _percent(value: float) -> float | None:
    """Percent for JSON, which has no NaN."""
    return 100 * float(value) if math.isfinite(value) else None


def _per_class(values: np.ndarray, names: tuple[str, ...]) -> dict[str, float | None]:
    return {name: _percent(value) for name, value in zip(names, values)}


def _frames_and_errors(totals: Totals) -> dict[str, Any]:
    return {'frames': totals.frames, 'errors': totals.errors}


def occ_report(totals: Totals, protocol: OccProtocol, nan_policy: str = 'both') -> dict[str, Any]:
    """Scores in percent, as the tool writes them to JSON; None where nothing was counted."""
    names = OCC3D_CLASSES[:FREE_CLASS]
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        'miou': lambda: _miou_part(totals.sums.get('hist', np.zeros((18, 18), np.int64)), names, nan_policy),
        'fscore': lambda: {'fscore': _fscore_part(totals.values.get('fscore', []), protocol)},
        'rayiou': lambda: {'rayiou': _rayiou_part(totals.sums.get('rays', np.zeros((5, 17), np.int64)), names)},
    }
    report: dict[str, Any] = {}
    for metric in METRICS:
        if metric in protocol.metrics and not totals.stopped:
            report.update(parts[metric]())
    report['mask'] = protocol.mask or 'none'
    return {**report, **_frames_and_errors(totals)}


def _miou_part(hist: np.ndarray, names: tuple[str, ...], nan_policy: str) -> dict[str, Any]:
    return {
        'miou': {
            'mean': _percent(mean_iou(hist, FREE_CLASS, nan_policy)),
            'per_class': _per_class(iou_from_confusion(hist, nan_policy), names),
            'nan_policy': nan_policy,
        },
        'iou': _percent(geometric_iou(hist, FREE_CLASS)),
        'confusion': hist.tolist(),
    }


def _fscore_part(values: list[float], protocol: OccProtocol) -> dict[str, Any]:
    mean = math.fsum(values) / len(values) if values else float('nan')  # exact, so independent of the order
    return {'mean': _percent(mean), 'threshold': protocol.f_threshold, 'official': protocol.f_official}


def _rayiou_part(counts: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
    iou = rayiou_from_counts(counts)
    per_class = [mean_of_present(column) for column in iou.T]
    return {
        **{key: _percent(value) for key, value in mean_rayiou(counts).items()},
        'per_class': _per_class(np.array(per_class), names),
        'per_class_at': {str(metres): _per_class(row, names) for metres, row in zip(THRESHOLDS, iou)},
    }


def lidarseg_report(totals: Totals, label_ids: str = 'auto') -> dict[str, Any]:
    """Scores in percent of the lidarseg challenge."""
    report: dict[str, Any] = {}
    if not totals.stopped:
        hist = totals.sums.get('lidarseg', np.zeros((32, 17), np.int64))
        iou = lidarseg_iou(hist, label_ids)
        report['miou'] = {'mean': _percent(mean_of_present(iou)), 'per_class': _per_class(iou, LIDARSEG_CLASSES[1:])}
        found = 'fine' if uses_fine_ids(hist) else 'challenge'
        report['label_ids'] = found if label_ids == 'auto' else label_ids
    return {**report, **_frames_and_errors(totals)}
