"""The contract that every student and teacher of depth meets.

Shape letters: B batch, H x W network input.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from mmdet3d.registry import MODELS
from mmengine.model import BaseModel
from torch import Tensor

from projects.depth.models.heads import stack_depth


class BaseDepthEstimator(BaseModel):
    """Two steps that train alone or under distillation: outputs, then losses of the outputs.

    Args:
        encoder (dict): Config of the image encoder; it returns levels, finest (stride 4) first.
        decoder (dict): Config of the decoder; it returns ``feat_<stride>``.
        depth_head (dict): Config of the head.
        data_preprocessor (dict, optional): Config of the data preprocessor. Defaults to DepthDataPreprocessor.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        encoder: dict,
        decoder: dict,
        depth_head: dict,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor or {'type': 'DepthDataPreprocessor'}, init_cfg)
        self.encoder = MODELS.build(encoder)
        self.decoder = MODELS.build(decoder)
        self.depth_head = MODELS.build(depth_head)

    @abstractmethod
    def extract_outputs(self, inputs: Mapping[str, Any], data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """Everything that losses and distillation may ask for; reads no labels.

        Args:
            inputs (Mapping[str, Any]): Preprocessed inputs.
            data_samples (Sequence[DepthDataSample], optional): Unused by our models. Defaults to None.

        Returns:
            dict[str, Tensor]: ``feat_<stride>`` of the decoder, ``depth`` (B, 1, H, W) in metres and ``log_scale``
            (B, 1, H, W).
        """

    def loss_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> dict[str, Tensor]:
        """Task losses of the outputs.

        Args:
            outputs (Mapping[str, Tensor]): From :meth:`extract_outputs`.
            data_samples (Sequence[DepthDataSample]): Samples with ``gt_depth``.

        Returns:
            dict[str, Tensor]: Scalars whose names begin with ``loss_``.
        """
        return self.depth_head.loss(outputs, stack_depth(data_samples, tuple(outputs['depth'].shape[-2:])))

    def forward(
        self, inputs: Mapping[str, Any], data_samples: Sequence | None = None, mode: str = 'tensor'
    ) -> dict[str, Tensor] | list:
        """Run the model.

        Args:
            inputs (Mapping[str, Any]): Preprocessed inputs.
            data_samples (Sequence[DepthDataSample], optional): Samples. Defaults to None.
            mode (str): 'loss' for the losses, 'predict' for samples with ``pred_depth`` and ``pred_log_scale`` (H, W),
                as large as the image without padding, 'tensor' for the outputs. Defaults to 'tensor'.

        Raises:
            ValueError: If ``mode`` is none of the three, or needs samples and there are none.
        """
        if mode not in ('loss', 'predict', 'tensor'):
            raise ValueError(f"mode must be 'loss', 'predict' or 'tensor', got {mode!r}")
        if mode != 'tensor' and data_samples is None:
            raise ValueError(f'mode {mode!r} needs data_samples')
        if mode == 'predict':
            return self._predict(inputs, data_samples)
        outputs = self.extract_outputs(inputs, data_samples)
        return self.loss_by_outputs(outputs, data_samples) if mode == 'loss' else outputs

    def predict_outputs(self, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
        """Outputs at test time: ``depth`` and ``log_scale``; a subclass may average several passes."""
        return self.extract_outputs(inputs)

    def _predict(self, inputs: Mapping[str, Any], data_samples: Sequence) -> list:
        outputs = self.predict_outputs(inputs)
        for i, sample in enumerate(data_samples):
            valid = inputs['valid_mask'][i] if 'valid_mask' in inputs else None
            height = int(valid[:, 0].sum()) if valid is not None else outputs['depth'].shape[-2]
            width = int(valid[0].sum()) if valid is not None else outputs['depth'].shape[-1]
            sample.pred_depth = outputs['depth'][i, 0, :height, :width].float()
            sample.pred_log_scale = outputs['log_scale'][i, 0, :height, :width].float()
        return list(data_samples)


def require_inputs(inputs: Mapping[str, Any], keys: Sequence[str], model: str) -> None:
    """Stop with the names of missing inputs.

    Raises:
        ValueError: If one of ``keys`` is not in ``inputs``.
    """
    missing = [key for key in keys if key not in inputs]
    if missing:
        raise ValueError(
            f'{model} needs inputs {missing}, got {sorted(inputs)}; a stereo model needs '
            "stereo=True in the data set and in LoadDepthImages, and 'right_img' in PackDepthInputs"
        )
