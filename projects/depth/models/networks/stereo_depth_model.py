"""Depth of the left image from a rectified pair."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from torch import Tensor

from projects.depth.models.heads import stack_depth
from projects.models import require_inputs

from .image_depth_model import ImageDepthModel

STEREO_ADVICE = "a stereo model needs stereo=True in the data set, and 'right_img' in PackDepthInputs"


@MODELS.register_module()
class StereoDepthModel(ImageDepthModel):
    """One backbone for both images, a fusion, and the decoder and head of the monocular model.

    Further arguments are those of :class:`ImageDepthModel`.

    Args:
        backbone (dict): Config of the image backbone, shared by both images.
        fuser (dict): Config of the fusion (``ConcatStereoFuser``, ``EpipolarStereoFuser`` or
            ``CorrelationStereoFuser``).
        depth_head (dict): Config of the head; ``with_prior`` is set by the fusion.
        loss_match (dict, optional): Config of the loss on ``match_logits`` of the fusion. Defaults to None.
        right_from_left (bool): Feed the left image twice: the control that shows whether stereo is used or only
            parameters. Defaults to False.
    """

    def __init__(
        self,
        backbone: dict,
        fuser: dict,
        decoder: dict,
        depth_head: dict,
        loss_match: dict | None = None,
        right_from_left: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        built_fuser = MODELS.build(fuser)
        depth_head = {**depth_head, 'with_prior': built_fuser.gives_prior}
        super().__init__(backbone, decoder, depth_head, data_preprocessor, init_cfg)
        self.fuser = built_fuser
        if loss_match is not None and not built_fuser.gives_prior:
            raise ValueError(f'loss_match needs a correlation volume, {type(built_fuser).__name__} has none')
        self.loss_match = MODELS.build(loss_match) if loss_match else None
        self.right_from_left = right_from_left

    def encode(self, inputs: Mapping[str, Any]) -> tuple[Sequence[Tensor], dict[str, Tensor]]:
        """Fused levels of the pair; see the parent.

        With a correlation volume also ``match_logits`` (B, D, h, w), ``focal_baseline`` (B,), ``prior_depth``
        (B, 1, h, w) in metres and ``confidence`` (B, 1, h, w).
        """
        calibration = ('cam2img', 'baseline') if self.fuser.gives_prior else ()
        images = ('img',) if self.right_from_left else ('img', 'right_img')
        require_inputs(inputs, (*images, *calibration), type(self).__name__, STEREO_ADVICE)
        left = inputs['img'].contiguous(memory_format=torch.channels_last)
        right = left if self.right_from_left else inputs['right_img'].contiguous(memory_format=torch.channels_last)
        both = [level.chunk(2) for level in self.backbone(torch.cat([left, right]))]
        pair = {**inputs, 'img': left, 'right_img': right}
        return self.fuser([level[0] for level in both], [level[1] for level in both], pair)

    def loss_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of the head and, when configured, ``loss_match`` of the correlation volume."""
        losses = super().loss_by_outputs(outputs, data_samples)
        if self.loss_match is not None:
            height, width = outputs['depth'].shape[-2:]
            gt_depth = stack_depth(data_samples, (height, width))
            losses['loss_match'] = self.loss_match(outputs['match_logits'], outputs['focal_baseline'], gt_depth)
        return losses
