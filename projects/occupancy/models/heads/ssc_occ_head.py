"""Larger voxel head of RadOcc's student.

Shape letters: B batch, C channels, X/Y/Z voxels, K classes, u upsampling factor.
"""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.occupancy.models.backbones.bev_resnet import ResidualBlock

from .bevdet_occ_head import BEVDetOccHead

_MERGED = 3


class DilatedVoxelNet(nn.Module):
    """Residual blocks at one resolution, the last three of them side by side, then two 1x1x1 convolutions.

    Source: the idea of SSCNet (arXiv:1611.08974, without its pooling), and the code of RadOcc's author: 128 channels,
    blocks with dilation 2, the last three outputs side by side. The number of blocks is a default, not from there.

    Args:
        in_channels (int): C.
        out_channels (int): Channels of the output.
        block_channels (int): Channels of the blocks. Defaults to 128.
        dilations (Sequence[int]): Dilation of each block, at least three. Defaults to (1, 1, 2, 2).
        norm_cfg (dict, optional): Normalisation. Defaults to BN3d.

    Raises:
        ValueError: If there are fewer than three blocks.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        block_channels: int = 128,
        dilations: Sequence[int] = (1, 1, 2, 2),
        norm_cfg: dict | None = None,
    ) -> None:
        super().__init__()
        if len(dilations) < _MERGED:
            raise ValueError(f'dilations needs at least {_MERGED} blocks, whose outputs are merged, got {dilations}')
        layers = {'conv_cfg': {'type': 'Conv3d'}, 'norm_cfg': norm_cfg or {'type': 'BN3d'}}
        widths = [in_channels, *[block_channels] * len(dilations)]
        self.blocks = nn.ModuleList(
            ResidualBlock(*pair, shortcut_size=1, dilation=dilation, **layers)
            for *pair, dilation in zip(widths, widths[1:], dilations)
        )
        self.merge = nn.Sequential(
            ConvModule(_MERGED * block_channels, block_channels, 1, **layers),
            ConvModule(block_channels, out_channels, 1, **layers),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, X, Y, Z) -> (B, out_channels, X, Y, Z)."""
        outs = []
        for block in self.blocks:
            x = block(x)
            outs.append(x)
        return self.merge(torch.cat(outs[-_MERGED:], 1))


@MODELS.register_module()
class SSCOccHead(BEVDetOccHead):
    """The head of BEVDet-Occ with a :class:`DilatedVoxelNet` in the place of its convolution.

    Source: code of RadOcc's author, where it comes with ``loss_lovasz``. Further arguments are those of
    :class:`BEVDetOccHead`.

    Args:
        in_channels (int): Channels of the voxel feature.
        mid_channels (int): Channels after the network. Defaults to 32.
        block_channels (int): See :class:`DilatedVoxelNet`. Defaults to 128.
        dilations (Sequence[int]): See :class:`DilatedVoxelNet`. Defaults to (1, 1, 2, 2).
        norm_cfg (dict, optional): Normalisation of the network. Defaults to BN3d.
    """

    def __init__(
        self,
        in_channels: int,
        mid_channels: int = 32,
        hidden_channels: int | None = None,
        block_channels: int = 128,
        dilations: Sequence[int] = (1, 1, 2, 2),
        norm_cfg: dict | None = None,
        upsample: int = 1,
        num_classes: int = 18,
        mask: str | None = 'camera',
        loss_occ: dict | None = None,
        loss_lovasz: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels, mid_channels, hidden_channels, upsample, num_classes, mask, loss_occ, loss_lovasz, init_cfg
        )
        # In the place of the one convolution of the plain head.
        self.conv = DilatedVoxelNet(in_channels, mid_channels, block_channels, dilations, norm_cfg)
