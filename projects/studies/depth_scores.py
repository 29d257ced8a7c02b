"""Scores of predicted depth over a data set, and the prior that needs no image.

H x W images, P pixels, F frames.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement
from torch import Tensor

Scores = dict[str, float]
"""Metrics by name."""


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


class DepthMeter:
    """Scores the maps of one model, and collects its predicted scales and its errors.

    Args:
        make_metric (Callable): Makes a metric that reads ``pred_depth`` and ``gt_depth`` of data samples.
        cap (float): Scales and errors are taken where the truth is nearer, in metres. Defaults to 80.0.
        stride (int): Every ``stride``-th pixel with truth goes into scales and errors. Defaults to 7.
    """

    def __init__(self, make_metric: Callable[[], BaseMetric], cap: float = 80.0, stride: int = 7) -> None:
        self.sparse, self.dense = make_metric(), make_metric()
        self.cap, self.stride = cap, stride
        self.frames = 0
        self._scales: list[np.ndarray] = []
        self._errors: list[np.ndarray] = []

    def add(self, sample: dict, predicted: tuple[np.ndarray, np.ndarray | None]) -> None:
        """Take in depth in metres and log-scale (or None), each (H, W); ``frames`` counts those with truth."""
        data, (depth, log_scale) = sample['data_samples'], predicted
        truth = data.gt_depth.numpy()
        mask = (truth > 0) & (truth < self.cap)
        self.frames += bool(mask.any())
        _process(self.sparse, data, depth, data.gt_depth)
        if 'gt_depth_dense' in data:
            _process(self.dense, data, depth, data.gt_depth_dense)
        if log_scale is not None:
            self._scales.append(np.exp(log_scale[mask])[:: self.stride])
            self._errors.append(np.abs(np.log(depth[mask] / truth[mask]))[:: self.stride])

    def scores(self) -> Scores:
        """Metrics against the sparse truth."""
        return _compute(self.sparse)

    def frame_sums(self, metric: str) -> np.ndarray:
        """What each frame adds to the mean of a metric: its value and 1, or zeros without truth. Shape (F, 2)."""
        frames = self.sparse.results
        return np.array([(frame[metric], 1.0) if frame else (0.0, 0.0) for frame in frames])

    def dense_scores(self) -> Scores | None:
        """The same against the dense truth; None without it."""
        return _compute(self.dense) if self.dense.results else None

    def scales_and_errors(self) -> tuple[np.ndarray, np.ndarray]:
        """Predicted scales b and absolute log-depth errors at pixels with truth, each (P,)."""
        return np.concatenate(self._scales), np.concatenate(self._errors)


def _process(metric: BaseMetric, data: BaseDataElement, depth: np.ndarray, truth: Tensor) -> None:
    """Give a metric one prediction, as an evaluation loop does."""
    scored = data.clone()
    scored.set_data({'pred_depth': torch.from_numpy(depth.astype(np.float32)), 'gt_depth': truth})
    metric.process({}, [scored.to_dict()])


def _compute(metric: BaseMetric) -> dict[str, float]:
    """Metrics of all frames, by their name without a prefix."""
    values = metric.compute_metrics(metric.results)
    return {name.split('/')[-1]: float(value) for name, value in values.items()}
