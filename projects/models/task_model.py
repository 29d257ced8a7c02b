"""Three steps of a model, with which it trains alone or under distillation: outputs, their losses, predictions."""

import inspect
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import BaseModel
from torch import Tensor, nn

from projects.engine import check_finite_losses

from .building import takes_no_train_cfg
from .contract import named_losses, named_outputs

MODES = ('loss', 'predict', 'tensor')


class TaskModel(BaseModel):
    """What a student or a teacher of any task is; a child gives the three steps, the modes of mmengine follow.

    A task has a child that knows how predictions are stored (``BaseOccModel``, ``BaseDepthModel``), so a
    student needs :meth:`extract_outputs` and :meth:`loss_by_outputs` only, and a teacher the first of them.
    Constructors list their arguments; ``mmdet3d.apis.init_model`` builds a child as it is (:func:`takes_no_train_cfg`).

    Args:
        data_preprocessor (dict | nn.Module, optional): The data preprocessor or its config. Defaults to None.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.

    Attributes:
        reads_images (bool): Whether it matters how images are normalised.
    """

    reads_images = True

    @takes_no_train_cfg
    def __init__(self, data_preprocessor: dict | nn.Module | None = None, init_cfg: dict | None = None) -> None:
        super().__init__(data_preprocessor, init_cfg)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        init = cls.__dict__.get('__init__')
        if init is not None and 'train_cfg' not in inspect.signature(init).parameters:
            cls.__init__ = takes_no_train_cfg(init)  # type: ignore[method-assign]

    @abstractmethod
    def extract_outputs(self, inputs: Mapping[str, Any], data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """Everything that losses, predictions and distillation may ask for; reads no labels.

        Args:
            inputs (Mapping[str, Any]): Preprocessed inputs.
            data_samples (Sequence, optional): Data samples of the batch. Defaults to None.

        Returns:
            dict[str, Tensor]: Named tensors.
        """

    @abstractmethod
    def loss_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of the task.

        Args:
            outputs (Mapping[str, Tensor]): From :meth:`extract_outputs`.
            data_samples (Sequence): Samples with labels.

        Returns:
            dict[str, Tensor]: Scalars whose names begin with ``loss_``.
        """

    @abstractmethod
    def predict_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> list:
        """Write the predictions into the samples.

        Args:
            outputs (Mapping[str, Tensor]): From :meth:`predict_outputs`.
            data_samples (Sequence): Samples of the batch.

        Returns:
            list: The samples.
        """

    def check_outputs(self, outputs: Mapping[str, Any], data_samples: Sequence | None = None) -> None:
        """Refuse outputs that the task cannot use; a task says which.

        Args:
            outputs (Mapping[str, Any]): From :meth:`extract_outputs` or :meth:`predict_outputs`.
            data_samples (Sequence, optional): Samples of the batch, whose labels the outputs must fit. Defaults to
                None: of a teacher, whose labels may be others.
        """

    def derive_outputs(self, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What only distillation asks for, made of the outputs; nothing unless a task or a child says so.

        Args:
            outputs (Mapping[str, Tensor]): From :meth:`extract_outputs`.

        Returns:
            dict[str, Tensor]: Further named tensors; the Distiller adds them to the outputs.
        """
        return {}

    def predict_outputs(self, inputs: Mapping[str, Any], data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """Outputs at test time: those of :meth:`extract_outputs`; a child may average several passes."""
        return self.extract_outputs(inputs, data_samples)

    def forward(
        self, inputs: Mapping[str, Any], data_samples: Sequence | None = None, mode: str = 'tensor'
    ) -> dict[str, Tensor] | list:
        """Run the model.

        Args:
            inputs (Mapping[str, Any]): Preprocessed inputs.
            data_samples (Sequence, optional): Data samples of the batch. Defaults to None.
            mode (str): 'loss' for the losses, 'predict' for samples with predictions, 'tensor' for the outputs.
                Defaults to 'tensor'.

        Returns:
            dict[str, Tensor] | list: Losses by name, the samples with their predictions, or the outputs by name.

        Raises:
            TypeError: If a step returns no dict, or a loss is no tensor.
            ValueError: If ``mode`` is none of the three, or needs samples and there are none; or outputs or losses are
                none of the task.
            NonFiniteError: If a loss is NaN or infinite.
        """
        if mode not in MODES:
            raise ValueError(f"mode must be 'loss', 'predict' or 'tensor', got {mode!r}")
        if data_samples is None and mode != 'tensor':
            raise ValueError(f'mode {mode!r} needs data_samples')
        extract = self.predict_outputs if mode == 'predict' else self.extract_outputs
        outputs = named_outputs(extract(inputs, data_samples), self)
        self.check_outputs(outputs, data_samples)
        if mode == 'tensor' or data_samples is None:
            return outputs
        if mode == 'predict':
            return self.predict_by_outputs(outputs, data_samples)
        losses = named_losses(self.loss_by_outputs(outputs, data_samples), self)
        if not any('loss' in name for name in losses):
            raise ValueError(f'{type(self).__name__}.loss_by_outputs gives no loss to train with, got {sorted(losses)}')
        check_finite_losses(losses, data_samples)
        return losses
