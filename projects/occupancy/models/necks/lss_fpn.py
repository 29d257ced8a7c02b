"""Necks of BEVDet that merge the stages of a BEV or voxel encoder.

Shape letters: B batch, C channels, Y/X cells of the BEV grid, X/Y/Z voxels.
"""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F


@MODELS.register_module()
class LSSFPN(BaseModule):
    """Join the first and the last stage of a BEV encoder, then raise the resolution.

    Args:
        in_channels (Sequence[int]): Channels of the first and the last stage.
        out_channels (int): Channels of the output.
        extra_upsample (int): Factor of the final upsampling; 1 for none. Defaults to 2.
        norm_cfg (dict): Normalisation. Defaults to BN.
        align_corners (bool): Upsample with the outer cells kept in place, as BEVDet and FlashOcc do; only
            for weights that were trained so. Defaults to False.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        extra_upsample: int = 2,
        norm_cfg: dict | None = None,
        align_corners: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if len(in_channels) != 2:
            raise ValueError(f'in_channels needs the first and the last stage, got {in_channels}')
        norm_cfg = norm_cfg or {'type': 'BN'}
        self.extra_upsample, self.align_corners = extra_upsample, align_corners
        width = out_channels * (2 if extra_upsample > 1 else 1)
        self.merge = nn.Sequential(
            ConvModule(sum(in_channels), width, 3, padding=1, norm_cfg=norm_cfg),
            ConvModule(width, width, 3, padding=1, norm_cfg=norm_cfg),
        )
        if extra_upsample > 1:
            self.refine = nn.Sequential(
                ConvModule(width, out_channels, 3, padding=1, norm_cfg=norm_cfg),
                nn.Conv2d(out_channels, out_channels, 1),
            )

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Stages of the encoder -> (B, out_channels, Y, X), ``extra_upsample`` times the first stage."""
        first, last = feats[0], feats[-1]
        last = F.interpolate(last, size=first.shape[2:], mode='bilinear', align_corners=self.align_corners)
        x = self.merge(torch.cat([first, last], 1))
        if self.extra_upsample > 1:
            x = F.interpolate(x, scale_factor=self.extra_upsample, mode='bilinear', align_corners=self.align_corners)
            x = self.refine(x)
        return x


@MODELS.register_module()
class VoxelLSSFPN(BaseModule):
    """Join all stages of a voxel encoder at the resolution of the first (LSSFPN3D of BEVDet-Occ).

    Args:
        in_channels (Sequence[int]): Channels of each stage.
        out_channels (int): Channels of the output.
        norm_cfg (dict): Normalisation. Defaults to BN3d.
        align_corners (bool): Upsample with the outer cells kept in place, as BEVDet and FlashOcc do; only
            for weights that were trained so. Defaults to False.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        norm_cfg: dict | None = None,
        align_corners: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.align_corners = align_corners
        norm_cfg = norm_cfg or {'type': 'BN3d'}
        self.merge = ConvModule(sum(in_channels), out_channels, 1, conv_cfg={'type': 'Conv3d'}, norm_cfg=norm_cfg)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Stages of the encoder -> (B, out_channels, X, Y, Z) at the size of the first."""
        size = feats[0].shape[2:]
        others = [F.interpolate(f, size=size, mode='trilinear', align_corners=self.align_corners) for f in feats[1:]]
        return self.merge(torch.cat([feats[0], *others], 1))
