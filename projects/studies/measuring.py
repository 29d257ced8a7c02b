"""Measure several models on held-out samples, each in the same way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from mmdet3d.registry import DATASETS
from mmengine.dataset import pseudo_collate
from mmengine.structures import BaseDataElement
from torch import Tensor, nn
from tqdm import tqdm

Predicted = TypeVar('Predicted', contravariant=True)
AnyMeter = TypeVar('AnyMeter', bound='Meter')


class Predictor:
    """A trained model with its own data preprocessor, for one packed sample at a time.

    Args:
        model (nn.Module): A ``TaskModel``.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    @torch.no_grad()
    def outputs(self, sample: Mapping[str, Any]) -> dict[str, Tensor]:
        """Named tensors of ``extract_outputs``, with a batch of one."""
        data = self._prepared(sample)
        return self.model.extract_outputs(data['inputs'], data['data_samples'])

    @torch.no_grad()
    def predict(self, sample: Mapping[str, Any]) -> BaseDataElement:
        """The data sample with the predictions of the task."""
        data = self._prepared(sample)
        (result,) = self.model(data['inputs'], data['data_samples'], mode='predict')
        return result

    def _prepared(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        return self.model.data_preprocessor(pseudo_collate([sample]), False)


class Meter(Protocol[Predicted]):
    """Collects the predictions of one model."""

    def add(self, sample: dict, predicted: Predicted) -> None:
        """Take in what a model predicts for a packed sample with truth."""


def measure(
    dataset: Sequence[dict],
    predictions: Mapping[str, Callable[[dict, int], Any]],
    make_meter: Callable[[], AnyMeter],
) -> dict[str, AnyMeter]:
    """Run several predictions over a data set in one pass, with a progress bar.

    Args:
        dataset (Dataset): Packed samples with truth.
        predictions (Mapping[str, Callable]): Name -> function of (sample, index) that returns what the meter takes.
        make_meter (Callable): Makes an empty meter.

    Returns:
        dict[str, Meter]: By name.
    """
    meters = {name: make_meter() for name in predictions}
    for index in tqdm(range(len(dataset)), desc='held-out frames', unit='frame'):
        sample = dataset[index]
        for name, predict in predictions.items():
            meters[name].add(sample, predict(sample, index))
    return meters


def build_dataset(
    dataset: Mapping[str, Any], data_root: str | Path, pipeline: Sequence[Mapping], **fields: Any
) -> torch.utils.data.Dataset:
    """Build the config of a data set for measuring.

    Args:
        dataset (Mapping): Config of the data set.
        data_root (str | Path): Its folder.
        pipeline (Sequence[Mapping]): Its pipeline.
        **fields (Any): What else differs, for instance which sensors are read.
    """
    changed = {'data_root': str(data_root), 'pipeline': pipeline, 'test_mode': True, **fields}
    return DATASETS.build({**dataset, **changed})


def choose_frames(scenes: Iterable[str], count: int) -> list[int]:
    """Indices of the first frames of different scenes, spread over the data set.

    Args:
        scenes (Iterable[str]): Scene of each frame.
        count (int): How many frames; fewer if there are fewer scenes.
    """
    first: dict[str, int] = {}
    for index, scene in enumerate(scenes):
        first.setdefault(scene, index)
    indices = sorted(first.values())
    picks = np.unique(np.linspace(0, len(indices) - 1, min(count, len(indices))).round().astype(int))
    return [indices[pick] for pick in picks]
