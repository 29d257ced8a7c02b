"""Network that predicts the depth distribution and the context feature of each pixel.

Shape letters: B batch, N cameras, C channels, D depth bins, fH x fW feature map.
"""

import torch
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from projects.occupancy.models.backbones.bev_resnet import ResidualBlock

NUM_CAMERA_PARAMS = 18


def camera_parameters(cam2img: Tensor, cam2ego: Tensor, img_aug_matrix: Tensor, bda_mat: Tensor, width: int) -> Tensor:
    """Describe the camera that the network sees, after both augmentations, in numbers around 1.

    Args:
        cam2img (Tensor): Intrinsics of the raw image. Shape (B, N, 3, 3).
        cam2ego (Tensor): Camera to key ego. Shape (B, N, 4, 4).
        img_aug_matrix (Tensor): Raw pixel to network pixel. Shape (B, N, 3, 3).
        bda_mat (Tensor): BEV augmentation. Shape (B, 4, 4).
        width (int): Width of the network input in pixels; intrinsics are given in that unit.

    Returns:
        Tensor: Two rows of the intrinsics, three of the extrinsics. Shape (B * N, 18).
    """
    intrinsics = (img_aug_matrix @ cam2img)[..., :2, :] / width
    extrinsics = (bda_mat.unsqueeze(1) @ cam2ego)[..., :3, :]
    return torch.cat([intrinsics.flatten(2), extrinsics.flatten(2)], -1).flatten(0, 1)


class CameraGate(nn.Module):
    """Weight the channels of a feature map by an embedding of the camera."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(NUM_CAMERA_PARAMS, channels), nn.ReLU(), nn.Linear(channels, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor, camera: Tensor) -> Tensor:
        """(B * N, C, fH, fW) and (B * N, 18) -> (B * N, C, fH, fW)."""
        return x * self.mlp(camera).unsqueeze(-1).unsqueeze(-1)


@MODELS.register_module()
class CameraAwareDepthNet(BaseModule):
    """Depth and context branches, each gated by the camera's calibration (BEVDepth, arXiv:2206.10092).

    An image patch does not tell depth without focal length and mounting. Unlike BEVDepth the calibration is scaled
    by fixed numbers instead of a batch normalisation, and there is no deformable convolution. A network of another
    description of the cameras has a ``describe_camera`` of its own.

    Args:
        in_channels (int): Channels of the image feature; set by the view transform.
        num_depths (int): D, number of depth bins; set by the view transform.
        context_channels (int): Channels of the context; set by the view transform.
        mid_channels (int): Channels of the hidden layers. Defaults to 256.
        num_blocks (int): Residual blocks of the depth branch. Defaults to 3.
        norm_cfg (dict): Normalisation. Defaults to BN.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    describe_camera = staticmethod(camera_parameters)

    def __init__(
        self,
        in_channels: int,
        num_depths: int,
        context_channels: int,
        mid_channels: int = 256,
        num_blocks: int = 3,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        norm_cfg = norm_cfg or {'type': 'BN'}
        self.reduce = ConvModule(in_channels, mid_channels, 3, padding=1, norm_cfg=norm_cfg)
        self.context_gate = CameraGate(mid_channels)
        self.context_conv = nn.Conv2d(mid_channels, context_channels, 1)
        self.depth_gate = CameraGate(mid_channels)
        blocks = [ResidualBlock(mid_channels, mid_channels, norm_cfg=norm_cfg) for _ in range(num_blocks)]
        self.depth_conv = nn.Sequential(*blocks, nn.Conv2d(mid_channels, num_depths, 1))

    def forward(self, x: Tensor, camera: Tensor) -> tuple[Tensor, Tensor]:
        """Predict depth logits and context.

        Args:
            x (Tensor): Image features. Shape (B * N, in_channels, fH, fW).
            camera (Tensor): From :func:`camera_parameters`. Shape (B * N, 18).

        Returns:
            tuple[Tensor, Tensor]: Logits (B * N, D, fH, fW) and context (B * N, C, fH, fW).
        """
        x = self.reduce(x)
        return self.depth_conv(self.depth_gate(x, camera)), self.context_conv(self.context_gate(x, camera))
