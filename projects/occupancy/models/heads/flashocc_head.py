"""Channel-to-height head of FlashOcc.

Shape letters: B batch, C channels, X/Y/Z voxels, K classes, u upsampling factor.
"""

from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from .base_occ_head import BaseOccHead


@MODELS.register_module()
class FlashOccHead(BaseOccHead):
    """Read a column of voxels out of the channels of each BEV cell (FlashOcc, arXiv:2311.12058).

    A 3x3 convolution, then Linear, Softplus, Linear per cell. With ``upsample`` u > 1 the first linear layer predicts
    u x u hidden vectors per cell, so a coarse BEV feature serves full-size labels. (Our addition.)
    Further arguments are those of :class:`BaseOccHead`.

    Args:
        in_channels (int): Channels of the BEV feature.
        mid_channels (int): Channels after the convolution. Defaults to 256.
        hidden_channels (int, optional): Channels between the linear layers. Defaults to None: twice ``mid_channels``.
        num_heights (int): Z, voxels per column. Defaults to 16.
        upsample (int): u, cells of the output per cell of the input along x and y. Defaults to 1.
    """

    def __init__(
        self,
        in_channels: int,
        mid_channels: int = 256,
        hidden_channels: int | None = None,
        num_heights: int = 16,
        upsample: int = 1,
        num_classes: int = 18,
        mask: str | None = 'camera',
        loss_occ: dict | None = None,
        loss_lovasz: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(num_classes, mask, loss_occ, loss_lovasz, init_cfg)
        hidden_channels = hidden_channels or 2 * mid_channels
        self.num_heights, self.upsample = num_heights, upsample
        self.conv = ConvModule(in_channels, mid_channels, 3, padding=1)
        self.expand = nn.Linear(mid_channels, upsample**2 * hidden_channels)
        self.act = nn.Softplus()
        self.classify = nn.Linear(hidden_channels, num_heights * num_classes)

    def forward(self, bev_feat: Tensor) -> Tensor:
        """Classify every voxel.

        Args:
            bev_feat (Tensor): BEV feature, rows along y. Shape (B, C, Y / u, X / u).

        Returns:
            Tensor: Class logits, x first. Shape (B, X, Y, Z, K), contiguous.
        """
        u = self.upsample
        x = self.expand(self.conv(bev_feat).permute(0, 2, 3, 1))
        B, Y, X, _ = x.shape
        # Rows of y to rows of x, with the u x u cells of each, in one copy.
        x = x.view(B, Y, X, u, u, -1).permute(0, 2, 3, 1, 4, 5).reshape(B, X * u, Y * u, -1)
        return self.classify(self.act(x)).view(B, X * u, Y * u, self.num_heights, self.num_classes)
