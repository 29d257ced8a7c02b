"""Measure teacher, control, both students and the prior on held-out scenes, each in the same way.

H x W images, P pixels.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.utils import import_modules_from_strings
from torch import nn

from projects.engine import check_state_dict, load_checkpoint_safe


def load_model(config_file: str | Path, checkpoint: str | Path) -> nn.Module:
    """Build the model of a config and load its weights, in eval mode.

    Args:
        config_file (str | Path): Config of a plain model (not of a Distiller).
        checkpoint (str | Path): Its checkpoint; that of a Distiller works as well, its student is taken.

    Raises:
        CheckpointError: If the weights are not those of the model.
    """
    config = Config.fromfile(config_file)
    import_modules_from_strings(**config.custom_imports)
    init_default_scope(config.default_scope)
    model = MODELS.build(config.model)
    state = load_checkpoint_safe(checkpoint)['state_dict']
    student = {name.removeprefix('student.'): value for name, value in state.items() if name.startswith('student.')}
    state = student or state
    check_state_dict(model, state, str(checkpoint), complete=True)
    model.load_state_dict(state, strict=False)
    return model.eval()


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
        scores (dict[str, dict[str, float]]): By model, mean of each metric over the frames with truth.
        dense (dict[str, dict[str, float]]): The same against the dense truth; empty without it.
        scales (dict[str, np.ndarray]): By model with uncertainty, predicted scale b at scored pixels. Shape (P,).
        errors (dict[str, np.ndarray]): By the same model, absolute log-depth errors there. Shape (P,).
        frames (int): Frames with truth.
    """

    scores: dict[str, dict[str, float]]
    dense: dict[str, dict[str, float]]
    scales: dict[str, np.ndarray] = field(default_factory=dict)
    errors: dict[str, np.ndarray] = field(default_factory=dict)
    frames: int = 0


Prediction = Callable[[dict], tuple[np.ndarray, np.ndarray | None]]
FrameMetric = Callable[[np.ndarray, np.ndarray], tuple[dict[str, float], np.ndarray] | None]


def measure(
    samples: Iterable[dict], predictions: Mapping[str, Prediction], frame_metric: FrameMetric, stride: int = 7
) -> Measurement:
    """Score several predictions over a data set in one pass.

    Args:
        samples (Iterable[dict]): Packed samples with ``gt_depth`` and, maybe, ``gt_depth_dense``.
        predictions (Mapping[str, Callable]): Name -> function of a sample that returns depth and log-scale (or None).
        frame_metric (Callable): Of prediction and truth; returns metrics and the mask (H, W) of scored pixels, or None
            for a frame without truth.
        stride (int): Every ``stride``-th scored pixel goes into scales and errors. Defaults to 7.
    """
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in predictions}
    dense: dict[str, list[dict[str, float]]] = {name: [] for name in predictions}
    scales: dict[str, list[np.ndarray]] = {}
    errors: dict[str, list[np.ndarray]] = {}
    for sample in samples:
        data = sample['data_samples']
        truth = data.gt_depth.numpy()
        for name, predict in predictions.items():
            depth, log_scale = predict(sample)
            scored = frame_metric(depth, truth)
            if scored is None:
                continue
            rows[name].append(scored[0])
            if 'gt_depth_dense' in data and (of_dense := frame_metric(depth, data.gt_depth_dense.numpy())):
                dense[name].append(of_dense[0])
            if log_scale is not None:
                mask = scored[1]
                scales.setdefault(name, []).append(np.exp(log_scale[mask])[::stride])
                errors.setdefault(name, []).append(np.abs(np.log(depth[mask] / truth[mask]))[::stride])
    return Measurement(
        {name: _mean(values) for name, values in rows.items()},
        {name: _mean(values) for name, values in dense.items() if values},
        {name: np.concatenate(values) for name, values in scales.items()},
        {name: np.concatenate(values) for name, values in errors.items()},
        len(next(iter(rows.values()))),
    )


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    if not rows:
        raise ValueError('no held-out frame has true depth; is this the data set of the demo?')
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
