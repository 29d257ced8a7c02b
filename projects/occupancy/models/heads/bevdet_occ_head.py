"""Voxel head of BEVDet-Occ.

Shape letters: B batch, C channels, X/Y/Z voxels, K classes, u upsampling factor.
"""

from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from .base_occ_head import BaseOccHead


@MODELS.register_module()
class BEVDetOccHead(BaseOccHead):
    """A 3D convolution, then Linear, Softplus, Linear per voxel.

    With ``upsample`` u > 1 the first linear layer predicts u x u x u hidden vectors per voxel, so a coarse voxel
    feature serves full-size labels. (Our addition.) Further arguments are those of :class:`BaseOccHead`.

    Args:
        in_channels (int): Channels of the voxel feature.
        mid_channels (int): Channels after the convolution. Defaults to 32.
        hidden_channels (int, optional): Channels between the linear layers. Defaults to None: twice ``mid_channels``.
        upsample (int): u, voxels of the output per voxel of the input along each axis. Defaults to 1.
    """

    def __init__(
        self,
        in_channels: int,
        mid_channels: int = 32,
        hidden_channels: int | None = None,
        upsample: int = 1,
        num_classes: int = 18,
        mask: str | None = 'camera',
        loss_occ: dict | None = None,
        loss_lovasz: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(num_classes, mask, loss_occ, loss_lovasz, init_cfg)
        hidden_channels = hidden_channels or 2 * mid_channels
        self.upsample = upsample
        self.conv = ConvModule(in_channels, mid_channels, 3, padding=1, conv_cfg={'type': 'Conv3d'})
        self.expand = nn.Linear(mid_channels, upsample**3 * hidden_channels)
        self.act = nn.Softplus()
        self.classify = nn.Linear(hidden_channels, num_classes)

    def forward(self, voxel_feat: Tensor) -> Tensor:
        """Classify every voxel.

        Args:
            voxel_feat (Tensor): Voxel feature. Shape (B, C, X / u, Y / u, Z / u).

        Returns:
            Tensor: Class logits. Shape (B, X, Y, Z, K).
        """
        u = self.upsample
        x = self.expand(self.conv(voxel_feat).permute(0, 2, 3, 4, 1))
        if u > 1:
            B, X, Y, Z, _ = x.shape
            x = x.view(B, X, Y, Z, u, u, u, -1).permute(0, 1, 4, 2, 5, 3, 6, 7)
            x = x.reshape(B, X * u, Y * u, Z * u, -1)
        return self.classify(self.act(x))
