"""Encoder, decoder and head: what the monocular and the stereo model share.

Shape letters: B batch, H x W network input.
"""

from collections.abc import Mapping, Sequence

from mmdet3d.registry import MODELS
from torch import Tensor

from projects.depth.models.heads import stack_depth

from .base_depth_estimator import BaseDepthEstimator


class EncoderDecoderEstimator(BaseDepthEstimator):
    """A depth model made of configured parts.

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
        super().__init__(data_preprocessor, init_cfg)
        self.encoder = MODELS.build(encoder)
        self.decoder = MODELS.build(decoder)
        self.depth_head = MODELS.build(depth_head)

    def loss_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of the head.

        Args:
            outputs (Mapping[str, Tensor]): ``feat_<stride>`` of the decoder, ``depth`` (B, 1, H, W) in metres and
                ``log_scale`` (B, 1, H, W).
            data_samples (Sequence[DepthDataSample]): Samples with ``gt_depth``.

        Returns:
            dict[str, Tensor]: Scalars whose names begin with ``loss_``.
        """
        return self.depth_head.loss(outputs, stack_depth(data_samples, tuple(outputs['depth'].shape[-2:])))
