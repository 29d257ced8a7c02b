"""Fusion of BEV features by concatenation and a channel gate."""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn


@MODELS.register_module()
class SEBEVFuser(BaseModule):
    """Concatenate, convolve, and weight the channels by squeeze-and-excitation.

    Source: the fusion of RadOcc's LiDAR-camera teacher.

    Args:
        in_channels (Sequence[int]): Channels of each input.
        out_channels (int): Channels of the output.
        norm_cfg (dict): Normalisation. Defaults to BN.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.conv = ConvModule(sum(in_channels), out_channels, 3, padding=1, norm_cfg=norm_cfg or {'type': 'BN'})
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(out_channels, out_channels, 1), nn.Sigmoid())

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """BEV features (B, C_i, Y, X) -> (B, out_channels, Y, X).

        Raises:
            ValueError: If the features cover different numbers of cells.
        """
        sizes = {tuple(f.shape[2:]) for f in feats}
        if len(sizes) > 1:
            raise ValueError(f'BEV features to fuse must have one size, got {[tuple(f.shape) for f in feats]}')
        x = self.conv(torch.cat(list(feats), 1))
        return x * self.gate(x)
