"""The contract that every student and teacher of occupancy meets.

Shape letters: B batch, N cameras, C channels, X/Y/Z voxels, K classes.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from mmengine.model import BaseModel
from torch import Tensor, nn


def require_inputs(inputs: Mapping[str, Any], keys: Sequence[str], model: str) -> None:
    """Stop with the names of missing inputs.

    Raises:
        ValueError: If one of ``keys`` is not in ``inputs``.
    """
    missing = [key for key in keys if key not in inputs]
    if missing:
        raise ValueError(f'{model} needs inputs {missing}, got {sorted(inputs)}; load them in the pipeline')


class BaseOccDetector(BaseModel):
    """Two steps that train alone or under distillation: outputs, then losses of the outputs.

    Args:
        occ_head (dict): Config of the head.
        data_preprocessor (dict, optional): Config of the data preprocessor. Defaults to None.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(self, occ_head: dict, data_preprocessor: dict | None = None, init_cfg: dict | None = None) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.occ_head = MODELS.build(occ_head)

    @abstractmethod
    def extract_outputs(self, inputs: Mapping[str, Any], data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """Everything that losses and distillation may ask for; reads no labels.

        Args:
            inputs (Mapping[str, Any]): Preprocessed inputs.
            data_samples (Sequence[OccDataSample], optional): Unused by our models. Defaults to None.

        Returns:
            dict[str, Tensor]: At least ``occ_logits`` (B, X, Y, Z, K).
        """

    def loss_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> dict[str, Tensor]:
        """Task losses of the outputs.

        Args:
            outputs (Mapping[str, Tensor]): From :meth:`extract_outputs`.
            data_samples (Sequence[OccDataSample]): Samples with labels.

        Returns:
            dict[str, Tensor]: Scalars whose names begin with ``loss_``.
        """
        return self.occ_head.loss(outputs['occ_logits'], data_samples)

    def forward(
        self, inputs: Mapping[str, Any], data_samples: Sequence | None = None, mode: str = 'tensor'
    ) -> dict[str, Tensor] | list:
        """Run the model.

        Args:
            inputs (Mapping[str, Any]): Preprocessed inputs.
            data_samples (Sequence[OccDataSample], optional): Samples. Defaults to None.
            mode (str): 'loss' for the losses, 'predict' for samples with ``pred_occ`` (X, Y, Z) uint8, 'tensor' for
                the outputs. Defaults to 'tensor'.

        Raises:
            ValueError: If ``mode`` is none of the three, or needs samples and there are none.
        """
        if mode not in ('loss', 'predict', 'tensor'):
            raise ValueError(f"mode must be 'loss', 'predict' or 'tensor', got {mode!r}")
        if mode != 'tensor' and data_samples is None:
            raise ValueError(f'mode {mode!r} needs data_samples')
        outputs = self.extract_outputs(inputs, data_samples)
        if mode == 'loss':
            return self.loss_by_outputs(outputs, data_samples)
        if mode == 'tensor':
            return outputs
        for sample, pred in zip(data_samples, self.occ_head.predict(outputs['occ_logits'])):
            sample.pred_occ = pred
        return list(data_samples)

    @staticmethod
    def extract_img_feats(backbone: nn.Module, neck: nn.Module, imgs: Tensor) -> Tensor:
        """Image features (B, N, C, fH, fW) of ``imgs`` (B, N, 3, H, W).

        Channels-last memory is what CPU kernels and tensor cores want, and it lasts through the network.
        """
        B, N = imgs.shape[:2]
        feats = neck(backbone(imgs.flatten(0, 1).contiguous(memory_format=torch.channels_last)))
        return feats.unflatten(0, (B, N))
