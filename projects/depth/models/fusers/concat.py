"""Fusion by concatenation, level by level."""

from collections.abc import Mapping, Sequence

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from .base import BaseStereoFuser


@MODELS.register_module()
class ConcatStereoFuser(BaseStereoFuser):
    """Concatenate both images' features and go back to the channels of one by a 1x1 convolution.

    Source: default of this project, not from a paper: the simplest fusion, which knows no epipolar geometry.

    Args:
        in_channels (Sequence[int]): Channels of the backbone's levels, finest first.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to Kaiming.
    """

    def __init__(self, in_channels: Sequence[int], init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg or {'type': 'Kaiming', 'layer': 'Conv2d'})
        self.convs = nn.ModuleList(nn.Conv2d(2 * c, c, 1) for c in in_channels)

    def forward(
        self, left: Sequence[Tensor], right: Sequence[Tensor], inputs: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Fuse; see :class:`BaseStereoFuser`. There are no further outputs."""
        return [conv(torch.cat(pair, dim=1)) for conv, pair in zip(self.convs, zip(left, right))], {}
