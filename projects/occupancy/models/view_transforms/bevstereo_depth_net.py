"""The network of depth and context of BEVDet4D-Stereo's code, layer for layer.

Shape letters: B batch, N cameras, C channels, D depth bins, fH x fW feature map, s stride of the matching.
"""

import torch
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from projects.occupancy.models.backbones.bev_resnet import ResidualBlock

from .atrous_pyramid import AtrousPyramid
from .stereo_depth_net import matching_reduction

NUM_RAW_PARAMS = 27


def raw_camera_parameters(
    cam2img: Tensor, cam2ego: Tensor, img_aug_matrix: Tensor, bda_mat: Tensor, width: int
) -> Tensor:
    """Describe a camera and both augmentations side by side, in pixels and metres.

    Args:
        cam2img (Tensor): Intrinsics of the raw image. Shape (B, N, 3, 3).
        cam2ego (Tensor): Camera to key ego. Shape (B, N, 4, 4).
        img_aug_matrix (Tensor): Raw pixel to network pixel. Shape (B, N, 3, 3).
        bda_mat (Tensor): BEV augmentation. Shape (B, 4, 4).
        width (int): Unused: a normalisation scales the numbers.

    Returns:
        Tensor: Focal lengths and principal point, two rows of the image augmentation, the BEV augmentation around z and
        along it, three rows of ``cam2ego``. Shape (B * N, 27).
    """
    bda_mat = bda_mat.unsqueeze(1).expand(-1, cam2ego.shape[1], -1, -1)
    intrinsics = [cam2img[..., i, j] for i, j in ((0, 0), (1, 1), (0, 2), (1, 2))]
    bda = [bda_mat[..., i, j] for i, j in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 2))]
    numbers = torch.stack(intrinsics, -1), img_aug_matrix[..., :2, :].flatten(2), torch.stack(bda, -1)
    return torch.cat([*numbers, cam2ego[..., :3, :].flatten(2)], -1).flatten(0, 1)


class EmbeddedGate(nn.Module):
    """Weight the channels of a feature map by an embedding of the camera, which a squeeze-and-excitation layer reads.

    Args:
        channels (int): C, channels of the feature map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(NUM_RAW_PARAMS, channels), nn.ReLU(), nn.Linear(channels, channels))
        self.excite = nn.Sequential(
            nn.Conv2d(channels, channels, 1), nn.ReLU(), nn.Conv2d(channels, channels, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor, camera: Tensor) -> Tensor:
        """(B * N, C, fH, fW) and (B * N, 27) -> (B * N, C, fH, fW)."""
        return x * self.excite(self.embed(camera).unsqueeze(-1).unsqueeze(-1))


@MODELS.register_module()
class BEVStereoDepthNet(BaseModule):
    """Depth and context of FlashOcc M2, M3 and BEVDet-Occ with temporal stereo, with their layers and no others.

    What :class:`StereoDepthNet` does in fewer layers: the calibration is normalised by its batch (in training, a batch
    of one camera is refused by PyTorch) and embedded before it gates the channels, the matching joins inside the first
    residual block, and an atrous pyramid with dropout follows the blocks. These models have no deformable convolution.

    Args:
        in_channels (int): Channels of the image feature; set by the view transform.
        num_depths (int): D, number of depth bins; set by the view transform.
        context_channels (int): Channels of the context; set by the view transform.
        match_downsample (int): Cells of the matching per cell of the feature, a power of 2; set by the view transform.
        mid_channels (int): Channels of the hidden layers; those of the image feature upstream. Defaults to 256.
        aspp_channels (int): Channels of each branch of the atrous pyramid. Defaults to 96.
        norm_cfg (dict, optional): Normalisation. Defaults to BN.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    describe_camera = staticmethod(raw_camera_parameters)

    def __init__(
        self,
        in_channels: int,
        num_depths: int,
        context_channels: int,
        match_downsample: int,
        mid_channels: int = 256,
        aspp_channels: int = 96,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        norm_cfg = norm_cfg or {'type': 'BN'}
        self.reduce = ConvModule(in_channels, mid_channels, 3, padding=1, bias=True, norm_cfg=norm_cfg)
        self.camera_norm = nn.BatchNorm1d(NUM_RAW_PARAMS)
        self.context_gate = EmbeddedGate(mid_channels)
        self.context_conv = nn.Conv2d(mid_channels, context_channels, 1)
        self.depth_gate = EmbeddedGate(mid_channels)
        self.match_convs = matching_reduction(num_depths, match_downsample, norm_cfg, bias=True)
        joined = mid_channels + num_depths
        self.blocks = nn.Sequential(
            ResidualBlock(joined, mid_channels, norm_cfg=norm_cfg, shortcut_norm=False, shortcut_size=1),
            ResidualBlock(mid_channels, mid_channels, norm_cfg=norm_cfg),
            ResidualBlock(mid_channels, mid_channels, norm_cfg=norm_cfg),
        )
        self.pyramid = AtrousPyramid(mid_channels, aspp_channels, norm_cfg=norm_cfg)
        self.depth_conv = nn.Conv2d(mid_channels, num_depths, 1)

    def forward(self, x: Tensor, camera: Tensor, matching: Tensor) -> tuple[Tensor, Tensor]:
        """Predict depth logits and context.

        Args:
            x (Tensor): Image features. Shape (B * N, in_channels, fH, fW).
            camera (Tensor): From :func:`raw_camera_parameters`. Shape (B * N, 27).
            matching (Tensor): Probability of each depth by the matching. Shape (B * N, D, s * fH, s * fW).

        Returns:
            tuple[Tensor, Tensor]: Logits (B * N, D, fH, fW) and context (B * N, C, fH, fW).
        """
        x, camera = self.reduce(x), self.camera_norm(camera)
        depth = torch.cat([self.depth_gate(x, camera), self.match_convs(matching)], 1)
        return self.depth_conv(self.pyramid(self.blocks(depth))), self.context_conv(self.context_gate(x, camera))
