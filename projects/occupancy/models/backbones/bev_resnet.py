"""Residual network over a bird's-eye-view feature map.

Shape letters: B batch, C channels, Y/X cells of the BEV grid.
"""

from collections.abc import Sequence

from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn


class ResidualBlock(BaseModule):
    """Two 3x3 convolutions (2D or 3D) with a shortcut, as in ResNet-18.

    Args:
        in_channels (int): Channels of the input.
        out_channels (int): Channels of the output.
        stride (int): Stride of the first convolution. Defaults to 1.
        conv_cfg (dict, optional): Convolution type; None is 2D. Defaults to None.
        norm_cfg (dict): Normalisation. Defaults to BN.
        shortcut_norm (bool): Normalise the convolution of the shortcut; without, it has a bias. Defaults to True.
        always_project (bool): Put a convolution into the shortcut although the shape stays. Defaults to False.
        shortcut_size (int): Cells that the convolution of the shortcut reads along an axis, odd. Defaults to 3.
        dilation (int): Step between the cells that both convolutions read. Defaults to 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = None,
        shortcut_norm: bool = True,
        always_project: bool = False,
        shortcut_size: int = 3,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        norm_cfg = norm_cfg or {'type': 'BN'}
        common = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg}
        reach = {'padding': dilation, 'dilation': dilation, **common}
        self.conv1 = ConvModule(in_channels, out_channels, 3, stride=stride, inplace=True, **reach)
        self.conv2 = ConvModule(out_channels, out_channels, 3, act_cfg=None, **reach)
        self.shortcut = nn.Identity()
        if always_project or stride != 1 or in_channels != out_channels:
            own = {**common, 'padding': shortcut_size // 2, 'norm_cfg': norm_cfg if shortcut_norm else None}
            self.shortcut = ConvModule(in_channels, out_channels, shortcut_size, stride=stride, act_cfg=None, **own)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, ...) -> (B, out_channels, ...)."""
        return self.relu(self.conv2(self.conv1(x)) + self.shortcut(x))


def make_stages(
    in_channels: int,
    channels: Sequence[int],
    num_blocks: Sequence[int],
    strides: Sequence[int],
    conv_cfg: dict | None,
    norm_cfg: dict,
    shortcut_norm: bool = True,
    always_project: bool = False,
) -> nn.ModuleList:
    """Stages of residual blocks; the first block of a stage has its stride.

    The last two arguments are those of :class:`ResidualBlock`, for the first block of each stage.

    Raises:
        ValueError: If the three lists differ in length.
    """
    if not len(channels) == len(num_blocks) == len(strides):
        raise ValueError(
            f'channels, num_blocks and strides need one value per stage, got {channels}, {num_blocks}, {strides}'
        )
    stages = nn.ModuleList()
    for width, count, stride in zip(channels, num_blocks, strides):
        blocks = [ResidualBlock(in_channels, width, stride, conv_cfg, norm_cfg, shortcut_norm, always_project)]
        blocks += [ResidualBlock(width, width, 1, conv_cfg, norm_cfg) for _ in range(count - 1)]
        stages.append(nn.Sequential(*blocks))
        in_channels = width
    return stages


@MODELS.register_module()
class BEVResNet(BaseModule):
    """BEV encoder of BEVDet and FlashOcc: three stages of residual blocks, all returned.

    Args:
        in_channels (int): Channels of the BEV feature.
        channels (Sequence[int]): Channels of each stage. Defaults to (128, 256, 512).
        num_blocks (Sequence[int]): Blocks of each stage. Defaults to (2, 2, 2).
        strides (Sequence[int]): Stride of each stage. Defaults to (2, 2, 2).
        norm_cfg (dict): Normalisation. Defaults to BN.
        shortcut_norm (bool): Normalise the convolutions of the shortcuts. FlashOcc's released weights have a bias there
            and no normalisation: False for them. Defaults to True.
        always_project (bool): Put a convolution into the first shortcut of each stage although the shape stays, as
            upstream. Defaults to False.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int] = (128, 256, 512),
        num_blocks: Sequence[int] = (2, 2, 2),
        strides: Sequence[int] = (2, 2, 2),
        norm_cfg: dict | None = None,
        shortcut_norm: bool = True,
        always_project: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        norm_cfg = norm_cfg or {'type': 'BN'}
        shortcuts = (shortcut_norm, always_project)
        self.stages = make_stages(in_channels, channels, num_blocks, strides, None, norm_cfg, *shortcuts)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, C, Y, X) -> one feature map per stage."""
        outs = []
        for stage in self.stages:
            x = stage(x)
            outs.append(x)
        return tuple(outs)
