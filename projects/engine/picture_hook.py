"""Pictures of predictions in validation and testing, for every kind of data sample."""

import os
import re
from collections.abc import Mapping, Sequence
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import all_gather_object, get_world_size
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from PIL import Image

from projects.fileio import atomic_write

from .display import display_problem


@singledispatch
def draw_prediction(sample: BaseDataElement, inputs: Mapping[str, Any], meta: Mapping[str, Any]) -> np.ndarray:
    """Draw a predicted sample. A task registers its drawing for the class of its data samples.

    Args:
        sample (BaseDataElement): Sample with the prediction and, if there is one, the truth.
        inputs (Mapping[str, Any]): Inputs of this sample as the pipeline packed them.
        meta (Mapping[str, Any]): ``metainfo`` of the data set.

    Returns:
        np.ndarray: RGB picture. Shape (H, W, 3), uint8.

    Raises:
        TypeError: If no drawing is registered for the class.

    Examples:
        >>> @draw_prediction.register
        ... def _(sample: MySample, inputs, meta):
        ...     return my_picture(sample)
    """
    raise TypeError(
        f'no picture is known for {type(sample).__name__}; register its drawing with '
        'projects.engine.draw_prediction.register, or set default_hooks.visualization.draw=False'
    )


def sample_name(sample: BaseDataElement) -> str:
    """Name of a sample that can be a path: its ``token`` or ``frame_id``, without characters that files cannot have.

    Raises:
        ValueError: If the sample has neither.
    """
    name = sample.metainfo.get('token') or sample.metainfo.get('frame_id')
    if not name:
        raise ValueError(
            f'a {type(sample).__name__} to be drawn needs a token or a frame_id among its meta information, which has '
            f'{sorted(sample.metainfo)}; let the packing transform keep it'
        )
    parts = [re.sub(r'[^\w.-]', '_', part).lstrip('.') for part in str(name).split('/')]
    return '/'.join(part for part in parts if part)


@HOOKS.register_module()
class PredictionPictureHook(Hook):
    """Write or show pictures of predictions, drawn by :func:`draw_prediction`.

    In testing every sample becomes ``<test_out_dir>/<token or frame_id>.png``, on any number of processes, and the log
    says at the end how many there are and where. In validation, and in testing without ``test_out_dir`` and ``show``,
    the first sample of every ``interval``-th batch of the main process is given to the visualizer of the Runner, which
    writes it to ``<work_dir>/<timestamp>/vis_data/vis_image`` unless its ``vis_backends`` say otherwise.

    Args:
        draw (bool): Whether to do anything. Defaults to False.
        interval (int): Batches per picture that the visualizer gets. Defaults to 50.
        show (bool): Whether to open a window per test sample. Defaults to False.
        wait_time (float): Seconds each window stays; 0 waits for the space bar. Defaults to 2.0.
        test_out_dir (str | None): Folder of the pictures, relative to the current directory. Defaults to None.
    """

    # After LoggerHook: what it writes is not held up by gathering the names, and where the pictures are is said last.
    priority = 'VERY_LOW'

    def __init__(
        self,
        draw: bool = False,
        interval: int = 50,
        show: bool = False,
        wait_time: float = 2.0,
        test_out_dir: str | None = None,
    ) -> None:
        if interval < 1 or wait_time < 0:
            raise ValueError(f'{type(self).__name__} needs interval >= 1 and wait_time >= 0: {interval=}, {wait_time=}')
        problem = display_problem() if show and draw else None
        if show and draw and problem is None and get_world_size() > 1:
            problem = f'each of the {get_world_size()} processes would open its own; test with one'
        if problem:
            raise RuntimeError(f'show=True cannot open a window: {problem}. Set test_out_dir to get files instead')
        self.draw = draw
        self.interval = interval
        self.show = show
        self.wait_time = wait_time
        self.test_out_dir = None if test_out_dir is None else Path(os.path.abspath(test_out_dir))
        self._names: list[str] = []

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[BaseDataElement] | None = None
    ) -> None:
        """Give the first sample of the batch to the visualizer."""
        if self.draw and outputs:
            self._record(runner, batch_idx, data_batch, outputs[0], 'val', runner.val_dataloader.dataset.metainfo)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[BaseDataElement] | None = None
    ) -> None:
        """Write and show every sample of the batch, or give its first one to the visualizer."""
        if not self.draw or not outputs:
            return
        meta = runner.test_dataloader.dataset.metainfo
        if self.test_out_dir is None and not self.show:
            self._record(runner, batch_idx, data_batch, outputs[0], 'test', meta)
            return
        for position, sample in enumerate(outputs):
            picture, name = draw_prediction(sample, _inputs_of(data_batch, position), meta), sample_name(sample)
            if self.test_out_dir is not None:
                with atomic_write(self.test_out_dir / f'{name}.png') as file:
                    Image.fromarray(picture).save(file, format='PNG')
                self._names.append(name)
            if self.show:
                runner.visualizer.show(picture, win_name=name, wait_time=self.wait_time)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Say how many pictures there are, and where."""
        if not self.draw or self.test_out_dir is None:
            return
        count = len({name for names in all_gather_object(self._names) for name in names})
        samples = len(runner.test_dataloader.dataset)
        runner.logger.info(f'{count} pictures of {samples} samples are in {self.test_out_dir}')
        if count < samples:
            runner.logger.warning('samples of one name have one picture: give each its own token or frame_id')
        self._names = []

    def _record(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict,
        sample: BaseDataElement,
        phase: str,
        meta: Mapping[str, Any],
    ) -> None:
        if batch_idx % self.interval == 0:
            # A slash would be a folder, which the backend for files does not make.
            name = f'{phase}_{sample_name(sample)}'.replace('/', '_')
            picture = draw_prediction(sample, _inputs_of(data_batch, 0), meta)
            runner.visualizer.add_image(name, picture, step=runner.iter)


def _inputs_of(data_batch: dict, position: int) -> dict[str, Any]:
    """Inputs of one sample of a batch."""
    return {key: values[position] for key, values in data_batch['inputs'].items()}
