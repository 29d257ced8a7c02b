"""Network of depth and context that also reads how well the image matches a former one.

Shape letters: B batch, N cameras, C channels, D depth bins, fH x fW feature map, s stride of the matching.
"""

import math

import torch
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from .depth_net import CameraAwareDepthNet


def matching_reduction(num_depths: int, match_downsample: int, norm_cfg: dict, bias: bool | str) -> nn.Sequential:
    """Convolutions of stride 2 that bring a matching to the stride of the feature.

    Args:
        num_depths (int): D, channels of the matching.
        match_downsample (int): Cells of the matching per cell of the feature, a power of 2.
        norm_cfg (dict): Normalisation.
        bias (bool | str): Whether the convolutions have a bias beside the normalisation; 'auto' for none.

    Returns:
        nn.Sequential: (B * N, D, s * fH, s * fW) -> (B * N, D, fH, fW).

    Raises:
        ValueError: If ``match_downsample`` is not a power of 2.
    """
    steps = round(math.log2(match_downsample))
    if 2**steps != match_downsample or steps < 0:
        raise ValueError(f'match_downsample must be a power of 2, got {match_downsample}')
    common = {'stride': 2, 'padding': 1, 'bias': bias, 'norm_cfg': norm_cfg, 'act_cfg': None}
    return nn.Sequential(*(ConvModule(num_depths, num_depths, 3, **common) for _ in range(steps)))


@MODELS.register_module()
class StereoDepthNet(CameraAwareDepthNet):
    """Depth branch that joins its feature with the matching of two keyframes (BEVDet4D-Stereo, after BEVStereo).

    The matching is brought to the stride of the feature by convolutions of stride 2, concatenated, and reduced by a
    1x1 convolution; the rest is the parent. Unlike in BEVDet's code (:class:`BEVStereoDepthNet`) there is no ASPP and
    no deformable convolution. Further arguments are those of :class:`CameraAwareDepthNet`.

    Args:
        match_downsample (int): Cells of the matching per cell of the feature, a power of 2; set by the view transform.
    """

    def __init__(
        self,
        in_channels: int,
        num_depths: int,
        context_channels: int,
        match_downsample: int,
        mid_channels: int = 256,
        num_blocks: int = 3,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(in_channels, num_depths, context_channels, mid_channels, num_blocks, norm_cfg, init_cfg)
        self.match_convs = matching_reduction(num_depths, match_downsample, norm_cfg or {'type': 'BN'}, bias='auto')
        self.join = nn.Conv2d(mid_channels + num_depths, mid_channels, 1)

    def forward(self, x: Tensor, camera: Tensor, matching: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Predict depth logits and context.

        Args:
            x (Tensor): Image features. Shape (B * N, in_channels, fH, fW).
            camera (Tensor): From :func:`camera_parameters`. Shape (B * N, 18).
            matching (Tensor): Probability of each depth by the matching. Shape (B * N, D, s * fH, s * fW).

        Returns:
            tuple[Tensor, Tensor]: Logits (B * N, D, fH, fW) and context (B * N, C, fH, fW).
        """
        x = self.reduce(x)
        depth = torch.cat([self.depth_gate(x, camera), self.match_convs(matching)], 1)
        return self.depth_conv(self.join(depth)), self.context_conv(self.context_gate(x, camera))
