"""Backbone, decoder and head: what the monocular and the stereo model share.

Shape letters: B batch, H x W network input.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from mmdet3d.registry import MODELS
from torch import Tensor

from projects.depth.models.heads import stack_depth

from .base_depth_model import BaseDepthModel


class ImageDepthModel(BaseDepthModel):
    """A depth model made of configured parts.

    Args:
        backbone (dict): Config of the image backbone; it returns levels, finest (stride 4) first.
        decoder (dict): Config of the decoder; it returns ``feat_<stride>``.
        depth_head (dict): Config of the head.
        data_preprocessor (dict, optional): Config of the data preprocessor. Defaults to DepthDataPreprocessor.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        backbone: dict,
        decoder: dict,
        depth_head: dict,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.decoder = MODELS.build(decoder)
        self.depth_head = MODELS.build(depth_head)

    def extract_outputs(self, inputs: Mapping[str, Any], data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """Outputs of the model, in two steps between which a child may put its own.

        Args:
            inputs (Mapping[str, Any]): With ``img`` (B, 3, H, W), and what :meth:`encode` reads besides.
            data_samples (Sequence[DepthDataSample], optional): Unused. Defaults to None.

        Returns:
            dict[str, Tensor]: Those of :meth:`decode`.
        """
        levels, extra = self.encode(inputs)
        return self.decode(levels, extra, tuple(inputs['img'].shape[-2:]))

    @abstractmethod
    def encode(self, inputs: Mapping[str, Any]) -> tuple[Sequence[Tensor], dict[str, Tensor]]:
        """First step: image features, and further outputs by name.

        Returns:
            tuple: Levels, finest first, each (B, C_l, h_l, w_l); outputs besides those of the decoder and the head.

        Raises:
            ValueError: If an input is missing.
        """

    def decode(self, levels: Sequence[Tensor], extra: Mapping[str, Tensor], size: tuple[int, int]) -> dict[str, Tensor]:
        """Second step: decoder and head.

        Args:
            levels (Sequence[Tensor]): Levels of :meth:`encode`.
            extra (Mapping[str, Tensor]): Further outputs; with ``prior_depth`` they are the prior of the head.
            size (tuple[int, int]): H and W of the network input.

        Returns:
            dict[str, Tensor]: ``feat_<stride>`` of the decoder, ``extra``, ``depth`` (B, 1, H, W) in metres and
            ``log_scale`` (B, 1, H, W).
        """
        feats = self.decoder(levels)
        prior = extra if 'prior_depth' in extra else None
        return {**feats, **extra, **self.depth_head(feats, size, prior)}

    def loss_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of the head.

        Args:
            outputs (Mapping[str, Tensor]): ``feat_<stride>`` of the decoder, ``depth`` (B, 1, H, W) in metres and
                ``log_scale`` (B, 1, H, W).
            data_samples (Sequence[DepthDataSample]): Samples with ``gt_depth``.

        Returns:
            dict[str, Tensor]: Scalars whose names begin with ``loss_``.
        """
        height, width = outputs['depth'].shape[-2:]
        return self.depth_head.loss(outputs, stack_depth(data_samples, (height, width)))
