"""Depth from one image."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from torch import Tensor

from projects.models import require_inputs

from .image_depth_model import ImageDepthModel

FLIP_MODES = ('none', 'mean', 'blend')


def blend_flipped(depth: Tensor, unflipped: Tensor, border: float = 0.05) -> Tensor:
    """Mean of two predictions, except at the sides, where each has seen less.

    The prediction of the flipped image is taken at the left side, the plain one at the right side, over ``border`` of
    the width, with a ramp of the same width to the mean.

    Source: ``post_process_depth`` of BTS and NeWCRFs, which follow Monodepth (arXiv:1609.03677).

    Args:
        depth (Tensor): Prediction. Shape (..., W).
        unflipped (Tensor): Prediction of the flipped image, flipped back. Same shape.
        border (float): Share of the width. Defaults to 0.05.

    Returns:
        Tensor: Shape (..., W).
    """
    place = torch.linspace(0.0, 1.0, depth.shape[-1], device=depth.device, dtype=depth.dtype)
    left = 1.0 - ((place - border) / border).clamp(0.0, 1.0)
    right = left.flip(0)
    return right * depth + left * unflipped + (1.0 - left - right) * 0.5 * (depth + unflipped)


@MODELS.register_module()
class MonoDepthModel(ImageDepthModel):
    """Backbone, decoder and head on the left image; nothing else is read.

    Further arguments are those of :class:`ImageDepthModel`.

    Args:
        flip_tta (str): Average over the mirrored image in prediction: 'none', 'mean' or 'blend' (see
            :func:`blend_flipped`). Defaults to 'none'.
    """

    def __init__(
        self,
        backbone: dict,
        decoder: dict,
        depth_head: dict,
        flip_tta: str = 'none',
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(backbone, decoder, depth_head, data_preprocessor, init_cfg)
        if flip_tta not in FLIP_MODES:
            raise ValueError(f'flip_tta must be one of {FLIP_MODES}, got {flip_tta!r}')
        self.flip_tta = flip_tta

    def encode(self, inputs: Mapping[str, Any]) -> tuple[Sequence[Tensor], dict[str, Tensor]]:
        """Levels of ``inputs['img']``; see the parent."""
        require_inputs(inputs, ('img',), type(self).__name__)
        return self.backbone(inputs['img'].contiguous(memory_format=torch.channels_last)), {}

    def predict_outputs(self, inputs: Mapping[str, Any], data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """Outputs at test time, depth and log-scale averaged over the mirrored image when ``flip_tta`` says so.

        Raises:
            ValueError: If images of a batch are padded in width, where mirroring would move the padding.
        """
        outputs = super().predict_outputs(inputs, data_samples)
        if self.flip_tta == 'none':
            return outputs
        if 'valid_mask' in inputs and not inputs['valid_mask'][:, 0].all():
            raise ValueError(
                'flip_tta needs images whose width is a multiple of pad_size_divisor and equal in the batch; crop them '
                'or test one at a time'
            )
        mirrored = self.extract_outputs({**inputs, 'img': inputs['img'].flip(-1)})
        result = dict(outputs)
        for name in ('depth', 'log_scale'):
            plain, other = outputs[name], mirrored[name].flip(-1)
            result[name] = 0.5 * (plain + other) if self.flip_tta == 'mean' else blend_flipped(plain, other)
        return result
