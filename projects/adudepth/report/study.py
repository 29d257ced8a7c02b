"""Measure teacher, control, both students and the prior on held-out scenes, each in the same way.

H x W images, P pixels.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement
from torch import Tensor, nn


class Predictor:
    """A model with its own data preprocessor: raw sample in, maps out.

    Args:
        model (nn.Module): Model with ``data_preprocessor`` and mode 'predict'.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    @torch.no_grad()
    def __call__(self, sample: dict) -> tuple[np.ndarray, np.ndarray]:
        """Depth in metres and log-scale of one packed sample, each (H, W)."""
        data = self.model.data_preprocessor(pseudo_collate([sample]), False)
        (result,) = self.model(data['inputs'], data['data_samples'], mode='predict')
        return result.pred_depth.numpy(), result.pred_log_scale.numpy()


def mean_depth_map(depth_maps: Iterable[np.ndarray]) -> np.ndarray:
    """Mean of the measured depth of each pixel; what no image was needed for.

    Pixels that no map measures get the mean of their row, and rows without any the mean of all.

    Args:
        depth_maps (Iterable[np.ndarray]): Maps of one size in metres, 0 = none. Each (H, W).

    Returns:
        np.ndarray: Shape (H, W), float64.

    Raises:
        ValueError: If there is no measurement at all.
    """
    total: Any = 0.0
    count: Any = 0
    for depth in depth_maps:
        total = total + depth.astype(np.float64)
        count = count + (depth > 0)
    if not np.any(count):
        raise ValueError('the training maps hold no depth; the prior cannot be made')
    everywhere = total.sum() / count.sum()
    rows = count.sum(1)
    row_mean = np.where(rows > 0, total.sum(1) / np.maximum(rows, 1), everywhere)
    return np.where(count > 0, total / np.maximum(count, 1), row_mean[:, None])


@dataclass
class Measurement:
    """What :func:`measure` finds.

    Args:
        scores (dict[str, dict[str, float]]): By model, each metric by name.
        dense (dict[str, dict[str, float]]): The same against the dense truth; empty without it.
        scales (dict[str, np.ndarray]): By model with uncertainty, predicted scale b at pixels with truth. Shape (P,).
        errors (dict[str, np.ndarray]): By the same model, absolute log-depth errors there. Shape (P,).
        frames (int): Frames with truth.
    """

    scores: dict[str, dict[str, float]]
    dense: dict[str, dict[str, float]]
    scales: dict[str, np.ndarray] = field(default_factory=dict)
    errors: dict[str, np.ndarray] = field(default_factory=dict)
    frames: int = 0


Prediction = Callable[[dict], tuple[np.ndarray, np.ndarray | None]]


def measure(
    samples: Iterable[dict],
    predictions: Mapping[str, Prediction],
    make_metric: Callable[[], BaseMetric],
    cap: float = 80.0,
    stride: int = 7,
) -> Measurement:
    """Score several predictions over a data set in one pass.

    Args:
        samples (Iterable[dict]): Packed samples with ``gt_depth`` and, maybe, ``gt_depth_dense``.
        predictions (Mapping[str, Callable]): Name -> function of a sample that returns depth and log-scale (or None).
        make_metric (Callable): Makes a metric that reads ``pred_depth`` and ``gt_depth`` of data samples.
        cap (float): Scales and errors are taken where the truth is nearer, in metres. Defaults to 80.0.
        stride (int): Every ``stride``-th pixel with truth goes into scales and errors. Defaults to 7.
    """
    sparse = {name: make_metric() for name in predictions}
    dense = {name: make_metric() for name in predictions}
    scales: dict[str, list[np.ndarray]] = {}
    errors: dict[str, list[np.ndarray]] = {}
    frames = 0
    for sample in samples:
        data = sample['data_samples']
        truth = data.gt_depth.numpy()
        mask = (truth > 0) & (truth < cap)
        frames += bool(mask.any())
        for name, predict in predictions.items():
            depth, log_scale = predict(sample)
            _process(sparse[name], data, depth, data.gt_depth)
            if 'gt_depth_dense' in data:
                _process(dense[name], data, depth, data.gt_depth_dense)
            if log_scale is not None:
                scales.setdefault(name, []).append(np.exp(log_scale[mask])[::stride])
                errors.setdefault(name, []).append(np.abs(np.log(depth[mask] / truth[mask]))[::stride])
    return Measurement(
        {name: _compute(metric) for name, metric in sparse.items()},
        {name: _compute(metric) for name, metric in dense.items() if metric.results},
        {name: np.concatenate(values) for name, values in scales.items()},
        {name: np.concatenate(values) for name, values in errors.items()},
        frames,
    )


def _process(metric: BaseMetric, data: BaseDataElement, depth: np.ndarray, truth: Tensor) -> None:
    """Give a metric one prediction, as an evaluation loop does."""
    scored = data.clone()
    scored.set_data({'pred_depth': torch.from_numpy(depth.astype(np.float32)), 'gt_depth': truth})
    metric.process({}, [scored.to_dict()])


def _compute(metric: BaseMetric) -> dict[str, float]:
    """Metrics of all frames, by their name without a prefix."""
    values = metric.compute_metrics(metric.results)
    return {name.split('/')[-1]: float(value) for name, value in values.items()}
