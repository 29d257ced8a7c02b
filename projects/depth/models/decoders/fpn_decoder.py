"""Feature pyramid that returns every level, named by its stride."""

from collections.abc import Sequence

from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F


@MODELS.register_module()
class DepthFPNDecoder(BaseModule):
    """Top-down path with a 3x3 convolution per level, whose result goes on to the next finer one.

    Source: FPN (arXiv:1612.03144), with bilinear upsampling and BatchNorm; these are defaults, not from a paper.

    Args:
        in_channels (Sequence[int]): Channels of the backbone's levels, finest first.
        channels (int): Channels of every level of the decoder. Defaults to 128.
        strides (Sequence[int]): Stride of each level. Defaults to (4, 8, 16, 32).
        norm_cfg (dict, optional): Normalisation. Defaults to BatchNorm.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to Kaiming for the convolutions.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int = 128,
        strides: Sequence[int] = (4, 8, 16, 32),
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg or {'type': 'Kaiming', 'layer': 'Conv2d'})
        if len(in_channels) != len(strides):
            raise ValueError(f'in_channels {list(in_channels)} and strides {list(strides)} need one value per level')
        self.strides = tuple(strides)
        self.out_channels = (channels,) * len(self.strides)
        norm_cfg = norm_cfg or {'type': 'BN'}
        self.lateral_convs = nn.ModuleList(
            ConvModule(c, channels, 1, norm_cfg=norm_cfg, act_cfg=None) for c in in_channels
        )
        self.output_convs = nn.ModuleList(
            ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg) for _ in in_channels
        )

    def forward(self, feats: Sequence[Tensor]) -> dict[str, Tensor]:
        """Decode the backbone's levels.

        Args:
            feats (Sequence[Tensor]): Finest first; shape (B, in_channels[l], H / strides[l], W / strides[l]).

        Returns:
            dict[str, Tensor]: ``feat_<stride>`` (B, channels, H / stride, W / stride) of each level.

        Raises:
            ValueError: If the number of levels is not that of ``in_channels``.
        """
        if len(feats) != len(self.strides):
            raise ValueError(f'expected {len(self.strides)} feature maps, got {len(feats)}; see out_indices')
        out: dict[str, Tensor] = {}
        merged = None
        for level in reversed(range(len(feats))):
            lateral = self.lateral_convs[level](feats[level])
            if merged is not None:
                lateral = lateral + F.interpolate(merged, size=lateral.shape[2:], mode='bilinear', align_corners=False)
            merged = self.output_convs[level](F.relu(lateral))
            out[f'feat_{self.strides[level]}'] = merged
        return out
