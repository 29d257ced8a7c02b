"""A trained model as a call, in MMEngine's manner: what the inferencers of all tasks share."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.infer import BaseInferencer
from mmengine.registry import DATASETS, FUNCTIONS
from mmengine.structures import BaseDataElement
from mmengine.visualization import Visualizer
from PIL import Image
from rich.progress import track
from torch import Tensor, nn

from projects.engine import (
    ConfigError,
    atomic_write,
    display_problem,
    draw_prediction,
    find_config,
    load_trained_model,
    read_config,
    sample_name,
)

from .task_model import TaskModel


class TaskInferencer(BaseInferencer):
    """Predict for samples of a data set, or for frames of your own.

    A sample of the data set of the config, named by its token or index, is loaded and predicted as ``tools/test.py``
    does it. A frame of your own enters the same pipeline after the loading of images; its files are decoded at full
    size.

    A child gives :meth:`make_frame`, :meth:`arrays_of` and :meth:`write`, and :meth:`add_predictions` for its options,
    which ``forward_kwargs`` lists.

    Args:
        model (str | Path | Config): Config: a file, the name of one in ``configs``, or one that was read. Of a
            distillation the student is built.
        weights (str | Path): Its checkpoint, loaded as plain data; that of a distillation works as well.
        device (str | None): 'cpu', 'cuda', 'cuda:1', ... Defaults to None: CUDA where there is one.
        data_root (str | Path | None): Root of the data set in place of that of the config. Defaults to None.
        cfg_options (Mapping | None): Values to change in the config, by dotted key. Defaults to None.
        show_progress (bool): Whether to draw a progress bar. Defaults to True.

    Raises:
        ConfigError: If there is no such config, or it cannot be used.
        CheckpointError: If the weights are not those of the model.
        TypeError: If the model has not the three steps of a :class:`TaskModel`.
    """

    LOADER: str
    """Transform of the pipeline that loads images; frames of the user come with theirs."""
    NAME: str
    """Meta information that names a sample."""

    def __init__(
        self,
        model: str | Path | Config,
        weights: str | Path,
        device: str | None = None,
        data_root: str | Path | None = None,
        cfg_options: Mapping[str, Any] | None = None,
        show_progress: bool = True,
    ) -> None:
        if isinstance(model, Config):
            cfg = Config(model.to_dict())
            cfg.merge_from_dict(dict(cfg_options or {}))
        else:
            cfg = read_config(find_config(model), cfg_options)
        if data_root is not None:
            cfg.test_dataloader.dataset.data_root = str(data_root)
        if 'pipeline' not in cfg.get('test_dataloader', {}).get('dataset', {}):
            raise ConfigError(f'{model} has no test_dataloader.dataset.pipeline, which an inferencer runs')
        super().__init__(cfg, weights, device, scope=cfg.default_scope, show_progress=show_progress)
        self.dataset = DATASETS.build({**cfg.test_dataloader.dataset, 'lazy_init': True})

    def __call__(
        self,
        inputs: Any,
        return_datasamples: bool = False,
        batch_size: int = 1,
        out_dir: str | Path | None = None,
        show: bool = False,
        return_vis: bool = False,
        return_preds: bool = True,
        wait_time: float = 0.0,
        **options: Any,
    ) -> dict[str, list]:
        """Predict.

        Args:
            inputs (str | int | Mapping | Sequence): Token or index of a sample of the data set, a frame as
                :meth:`make_frame` takes it, or several of these.
            return_datasamples (bool): Whether predictions are data samples instead of arrays. Defaults to False.
            batch_size (int): Samples that go through the model at a time. Defaults to 1.
            out_dir (str | Path | None): Folder for files: ``preds`` as the evaluators read them, ``vis`` with a picture
                of each sample as the visualisation hook draws it, and what else the task has. Defaults to None.
            show (bool): Whether to open a window per sample. Defaults to False.
            return_vis (bool): Whether to return the pictures. Defaults to False.
            return_preds (bool): Whether to return the predictions; without, more samples than fit into memory can be
                written to ``out_dir``. Defaults to True.
            wait_time (float): Seconds each window stays; 0 waits for the space bar. Defaults to 0.0.
            **options (Any): What the task has besides: ``forward_kwargs`` of the class, see its ``add_predictions``.

        Returns:
            dict[str, list]: ``predictions``, one for each input in order, and ``visualization``, RGB pictures
            (H, W, 3) uint8; empty without ``return_preds`` and ``return_vis``.

        Raises:
            ValueError: If an input or option is none that the task knows.
            KeyError: If the data set has no sample of a token.
            RuntimeError: If ``show`` is set and no window can be opened.
        """
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        if not set(options) <= self.forward_kwargs:
            unknown = sorted(set(options) - self.forward_kwargs)
            raise ValueError(f'{type(self).__name__} has no option {unknown}; it has {sorted(self.forward_kwargs)}')
        problem = display_problem() if show else None
        if problem:
            raise RuntimeError(f'show=True cannot open a window: {problem}. Set out_dir to get files instead')
        items = list(inputs) if isinstance(inputs, (list, tuple, range)) else [inputs]
        batches: Any = self.preprocess(items, batch_size)
        if self.show_progress:
            batches = track(batches, description='Inference', total=-(-len(items) // batch_size))
        results: dict[str, list] = {'predictions': [], 'visualization': []}
        for batch in batches:
            samples = self.forward(batch, **options)
            pictures = self.visualize(batch, samples, show, wait_time) if show or return_vis or out_dir else []
            part = self.postprocess(samples, pictures, return_datasamples, out_dir)
            results['predictions'] += part['predictions'] if return_preds else []
            results['visualization'] += part['visualization'] if return_vis else []
        return results

    def preprocess(self, inputs: Sequence, batch_size: int = 1) -> Iterator[dict]:
        """Batches of samples as the model's ``test_step`` takes them, loaded when they are asked for.

        Args:
            inputs (Sequence): Tokens, indices and frames.
            batch_size (int): Samples of a batch. Defaults to 1.
        """
        names: set[str] = set()
        samples = (self._load(item, number, names) for number, item in enumerate(inputs))
        yield from map(self.collate_fn, self._get_chunk_data(samples, batch_size))

    def forward(self, inputs: dict, **options: Any) -> list[BaseDataElement]:
        """Samples of a batch with their predictions.

        Args:
            inputs (dict): A collated batch.
            **options (Any): See :meth:`add_predictions`.
        """
        with torch.no_grad():
            data = self.model.data_preprocessor(inputs, False)
            outputs = self.model.predict_outputs(data['inputs'], data['data_samples'])
            samples = self.model.predict_by_outputs(outputs, data['data_samples'])
            self.add_predictions(samples, outputs, data['inputs'], **options)
        return samples

    def visualize(
        self, inputs: dict, preds: Sequence[BaseDataElement], show: bool = False, wait_time: float = 0.0
    ) -> list[np.ndarray]:
        """Pictures of a batch, each (H, W, 3) uint8 RGB.

        Args:
            inputs (dict): The batch as it was collated.
            preds (Sequence[BaseDataElement]): Its samples with their predictions.
            show (bool): Whether to open a window per sample. Defaults to False.
            wait_time (float): Seconds each window stays; 0 waits for the space bar. Defaults to 0.0.
        """
        pictures = []
        for position, sample in enumerate(preds):
            own = {key: values[position] for key, values in inputs['inputs'].items()}
            pictures.append(draw_prediction(sample, own, self.dataset.metainfo))
            if show:
                Visualizer().show(pictures[-1], win_name=sample_name(sample), wait_time=wait_time)
        return pictures

    def postprocess(
        self,
        preds: Sequence[BaseDataElement],
        visualization: Sequence[np.ndarray],
        return_datasamples: bool = False,
        out_dir: str | Path | None = None,
    ) -> dict[str, list]:
        """Results of a batch, written below ``out_dir`` where there is one; arguments as in :meth:`__call__`."""
        if out_dir is not None:
            for sample, picture in zip(preds, visualization):
                self.write(sample, Path(out_dir))
                with atomic_write(Path(out_dir) / 'vis' / f'{sample_name(sample)}.png') as file:
                    Image.fromarray(picture).save(file, format='PNG')
        predictions = list(preds) if return_datasamples else [self.arrays_of(sample) for sample in preds]
        return {'predictions': predictions, 'visualization': list(visualization)}

    @abstractmethod
    def make_frame(self, frame: Mapping[str, Any], number: int) -> dict[str, Any]:
        """What the data set would give of a frame of the user, with its images loaded.

        Args:
            frame (Mapping): As the user gives it.
            number (int): Place among the inputs, for its name and the messages.
        """

    def add_predictions(
        self, samples: Sequence[BaseDataElement], outputs: Mapping[str, Tensor], inputs: Mapping[str, Any]
    ) -> None:
        """Write what options ask for into the samples; none unless a task has some.

        Args:
            samples (Sequence[BaseDataElement]): Samples of a batch.
            outputs (Mapping[str, Tensor]): Outputs of the model.
            inputs (Mapping[str, Any]): Preprocessed inputs.
        """

    @abstractmethod
    def arrays_of(self, sample: BaseDataElement) -> dict[str, Any]:
        """Predictions of a sample as arrays, with its name.

        Args:
            sample (BaseDataElement): With its predictions.
        """

    @abstractmethod
    def write(self, sample: BaseDataElement, folder: Path) -> None:
        """Write the predictions of a sample below a folder, except its picture.

        Args:
            sample (BaseDataElement): With its predictions.
            folder (Path): ``out_dir``.
        """

    def _load(self, item: Any, number: int, names: set[str]) -> dict:
        """Packed sample of an input; frames of the user must differ from each other in name."""
        if isinstance(item, Mapping):
            if self.pipeline is None:
                raise ValueError(f'the pipeline of the config has no {self.LOADER}, so it takes no frames of your own')
            frame = self.make_frame(item, number)
            if frame[self.NAME] in names:
                raise ValueError(f'two frames have the name {frame[self.NAME]!r}, by which files are named')
            names.add(frame[self.NAME])
            return self.pipeline(frame)
        self.dataset.full_init()
        if isinstance(item, str):
            return self.dataset[self.dataset.index_of(item)]
        if isinstance(item, bool) or not isinstance(item, (int, np.integer)):
            raise ValueError(f'input {number} must be a token, an index or a frame (a dict), got {type(item).__name__}')
        if not 0 <= item < len(self.dataset):
            raise ValueError(f'there is no sample {item}: {self.dataset.ann_file} has {len(self.dataset)}, from 0')
        return self.dataset[int(item)]

    def _init_model(self, cfg: Config, weights: str | Path, device: str) -> nn.Module:
        model = load_trained_model(cfg, weights)
        if not isinstance(model, TaskModel):
            raise TypeError(f'{type(model).__name__} is no TaskModel, which an inferencer needs: docs/add_a_student.md')
        return model.to(device)

    def _init_collate(self, cfg: Config) -> Callable:
        """As the Runner makes it for the test set."""
        options = dict(cfg.test_dataloader.get('collate_fn') or {'type': 'pseudo_collate'})
        kind = options.pop('type')
        return partial(FUNCTIONS.get(kind) if isinstance(kind, str) else kind, **options)

    def _init_pipeline(self, cfg: Config) -> Compose | None:
        steps = cfg.test_dataloader.dataset.pipeline
        rest = [step for step in steps if step['type'] != self.LOADER]
        return Compose(rest) if len(rest) < len(steps) else None
