"""Feature pyramid that returns its finest level only."""

from collections.abc import Sequence

from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F


@MODELS.register_module()
class SingleLevelFPN(BaseModule):
    """Top-down path of FPN down to the finest input, without output layers for the others.

    FlashOcc and BEVDet take one level. mmdet's FPN would leave layers without gradient, which stops distributed
    training.

    Args:
        in_channels (Sequence[int]): Channels of the inputs, finest first.
        out_channels (int): Channels of the output.
        norm_cfg (dict, optional): Normalisation; None for a bias instead. Defaults to None.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to Xavier for the convolutions.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg or {'type': 'Xavier', 'layer': 'Conv2d', 'distribution': 'uniform'})
        common = {'norm_cfg': norm_cfg, 'act_cfg': None}
        self.lateral_convs = nn.ModuleList(ConvModule(c, out_channels, 1, **common) for c in in_channels)
        self.output_conv = ConvModule(out_channels, out_channels, 3, padding=1, **common)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Feature maps, finest first -> (B, out_channels, H, W) at the size of the first.

        Raises:
            ValueError: If the number of feature maps is not that of ``in_channels``.
        """
        if len(feats) != len(self.lateral_convs):
            raise ValueError(f'expected {len(self.lateral_convs)} feature maps, got {len(feats)}; see out_indices')
        laterals = [conv(feat) for conv, feat in zip(self.lateral_convs, feats)]
        merged = laterals[-1]
        for lateral in reversed(laterals[:-1]):
            merged = lateral + F.interpolate(merged, size=lateral.shape[2:], mode='nearest')
        return self.output_conv(merged)
