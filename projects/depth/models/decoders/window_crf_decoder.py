"""Decoder of window attention in the style of NeWCRFs."""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from .window_attention import WindowCRFBlock


class PyramidPooling(BaseModule):
    """Pyramid pooling of the coarsest level (PSPNet, arXiv:1612.01105).

    Args:
        in_channels (int): Channels of the input.
        channels (int): Channels of the output.
        scales (Sequence[int]): Sides of the pooled grids. Defaults to (1, 2, 3, 6).
    """

    def __init__(self, in_channels: int, channels: int, scales: Sequence[int] = (1, 2, 3, 6)) -> None:
        super().__init__()
        self.scales = tuple(scales)
        # No normalisation: a grid of one cell has no statistics in a batch of one.
        self.branches = nn.ModuleList(ConvModule(in_channels, channels // 4, 1) for _ in self.scales)
        joined = in_channels + len(self.scales) * (channels // 4)
        self.bottleneck = ConvModule(joined, channels, 3, padding=1, norm_cfg={'type': 'BN'})

    def forward(self, feat: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, channels, H, W)."""
        pooled = [branch(F.adaptive_avg_pool2d(feat, scale)) for branch, scale in zip(self.branches, self.scales)]
        size = feat.shape[2:]
        resized = [F.interpolate(p, size=size, mode='bilinear', align_corners=False) for p in pooled]
        return self.bottleneck(torch.cat([feat, *resized], dim=1))


@MODELS.register_module()
class WindowCRFDecoder(BaseModule):
    """Pyramid pooling, then a window-attention block per level with PixelShuffle between them.

    Source: NeWCRFs (arXiv:2203.01502); widths and heads of its Swin-L model are the defaults.

    Args:
        in_channels (Sequence[int]): Channels of the backbone's levels, finest first.
        channels (Sequence[int]): Channels of the decoder's levels, finest first. Each is at least a quarter of the next
            coarser one and divisible by its heads. Defaults to (128, 256, 512, 1024).
        num_heads (Sequence[int]): Heads, finest first. Defaults to (4, 8, 16, 32).
        window_size (int): Side of a window. Defaults to 7.
        pool_channels (int): Channels of the pyramid pooling. Defaults to 512.
        strides (Sequence[int]): Stride of each level. Defaults to (4, 8, 16, 32).
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: Sequence[int] = (128, 256, 512, 1024),
        num_heads: Sequence[int] = (4, 8, 16, 32),
        window_size: int = 7,
        pool_channels: int = 512,
        strides: Sequence[int] = (4, 8, 16, 32),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if not len(in_channels) == len(channels) == len(num_heads) == len(strides):
            raise ValueError(
                f'in_channels {list(in_channels)}, channels {list(channels)}, num_heads {list(num_heads)} and strides '
                f'{list(strides)} need one value per level'
            )
        self.strides = tuple(strides)
        self.out_channels = tuple(channels)
        self.pooling = PyramidPooling(in_channels[-1], pool_channels)
        # What a level gets from the coarser one: a quarter of its channels at twice its size.
        incoming = [*(wide // 4 for wide in channels[1:]), pool_channels]
        self.inputs = nn.ModuleList(
            nn.Conv2d(source, c, 1) if source != c else nn.Identity() for source, c in zip(incoming, channels)
        )
        self.blocks = nn.ModuleList(
            WindowCRFBlock(source, c, heads, window_size) for source, c, heads in zip(in_channels, channels, num_heads)
        )

    def forward(self, feats: Sequence[Tensor]) -> dict[str, Tensor]:
        """Decode the backbone's levels.

        Args:
            feats (Sequence[Tensor]): Finest first; shape (B, in_channels[l], H / strides[l], W / strides[l]), each
                twice the size of the next.

        Returns:
            dict[str, Tensor]: ``feat_<stride>`` (B, channels[l], H / stride, W / stride) of each level.

        Raises:
            ValueError: If the number of levels is not that of ``in_channels``.
        """
        if len(feats) != len(self.strides):
            raise ValueError(f'expected {len(self.strides)} feature maps, got {len(feats)}; see out_indices')
        out: dict[str, Tensor] = {}
        feat = self.pooling(feats[-1])
        for level in reversed(range(len(feats))):
            feat = self.blocks[level](self.inputs[level](feat), feats[level])
            out[f'feat_{self.strides[level]}'] = feat
            if level:
                feat = F.pixel_shuffle(feat, 2)
        return out
