"""Measure several models on held-out samples, each in the same way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from mmdet3d.registry import DATASETS
from mmengine.dataset import pseudo_collate
from mmengine.structures import BaseDataElement
from torch import Tensor
from tqdm import tqdm

from projects.models import TaskModel
from projects.reporting import processor_name

Meter = TypeVar('Meter')
Dataset = Any
"""A data set of mmengine: packed samples by index, ``get_data_info`` and ``metainfo``."""


def hardware() -> str:
    """Processor, threads of torch and GPU of this machine, as they stand beside the numbers of a report."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else 'no GPU'
    return f'{processor_name()}, {torch.get_num_threads()} threads, {gpu}'


class Predictor:
    """A trained model with its own data preprocessor, for one packed sample at a time.

    Args:
        model (TaskModel): Student or teacher of either task.
    """

    def __init__(self, model: TaskModel) -> None:
        self.model = model

    @torch.no_grad()
    def outputs(self, sample: Mapping[str, Any]) -> dict[str, Tensor]:
        """Named tensors of ``extract_outputs`` and ``derive_outputs``, with a batch of one."""
        data = self._prepared(sample)
        outputs = self.model.extract_outputs(data['inputs'], data['data_samples'])
        return {**outputs, **self.model.derive_outputs(outputs)}

    @torch.no_grad()
    def predict(self, sample: Mapping[str, Any]) -> BaseDataElement:
        """The data sample with the predictions of the task."""
        data = self._prepared(sample)
        (result,) = self.model(data['inputs'], data['data_samples'], mode='predict')
        return result

    def _prepared(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        return self.model.data_preprocessor(pseudo_collate([sample]), False)


def measure(
    dataset: Dataset, predictions: Mapping[str, Callable[[dict, int], Any]], make_meter: Callable[[], Meter]
) -> dict[str, Meter]:
    """Run several predictions over a data set in one pass, with a progress bar.

    Args:
        dataset (Dataset): Packed samples with truth.
        predictions (Mapping[str, Callable]): Name -> function of (sample, index) that returns what a meter takes.
        make_meter (Callable): Makes an empty meter, whose ``add(sample, prediction)`` collects.

    Returns:
        dict[str, Meter]: By name.
    """
    meters: dict[str, Any] = {name: make_meter() for name in predictions}
    for index in tqdm(range(len(dataset)), desc='held-out frames', unit='frame'):
        sample = dataset[index]
        for name, predict in predictions.items():
            meters[name].add(sample, predict(sample, index))
    return meters


def build_dataset(dataset: Mapping[str, Any], data_root: Path, pipeline: Sequence[Mapping], **fields: Any) -> Dataset:
    """Build the config of a data set with another root, pipeline and whatever else differs, for testing."""
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
