"""Atrous spatial pyramid: what a cell sees near and far, and the whole image.

Shape letters: B batch, C channels, h x w feature map.
"""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn


class AtrousPyramid(nn.Module):
    """Convolutions of growing reach and the mean of the map side by side, joined to the channels of the input (ASPP).

    Args:
        channels (int): C, channels of input and output.
        mid_channels (int): Channels of each branch.
        dilations (Sequence[int]): Reach of each branch in cells; 1 is a 1x1 convolution. Defaults to (1, 6, 12, 18).
        dropout (float): Share of the output that is dropped in training. Defaults to 0.5, as in BEVDet's code.
        norm_cfg (dict, optional): Normalisation. Defaults to BN.
    """

    def __init__(
        self,
        channels: int,
        mid_channels: int,
        dilations: Sequence[int] = (1, 6, 12, 18),
        dropout: float = 0.5,
        norm_cfg: dict | None = None,
    ) -> None:
        super().__init__()
        norm_cfg = norm_cfg or {'type': 'BN'}
        self.branches = nn.ModuleList()
        for reach in dilations:
            size = {'kernel_size': 1} if reach == 1 else {'kernel_size': 3, 'padding': reach, 'dilation': reach}
            self.branches.append(ConvModule(channels, mid_channels, norm_cfg=norm_cfg, **size))
        self.mean = ConvModule(channels, mid_channels, 1, norm_cfg=norm_cfg)
        self.join = ConvModule((len(dilations) + 1) * mid_channels, channels, 1, norm_cfg=norm_cfg)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h, w)."""
        mean = self.mean(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])
        return self.dropout(self.join(torch.cat([*(branch(x) for branch in self.branches), mean], 1)))
