"""Adapters between a model's outputs and a loss. Trainable ones belong to the Distiller and are trained with it."""

from mmdet3d.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class IdentityConnector(nn.Module):
    """Give an output a second name."""

    def forward(self, feat: Tensor) -> Tensor:
        """Return the input."""
        return feat


@MODELS.register_module()
class ProjectionConnector(nn.Module):
    """1x1 convolution (and BatchNorm) that gives a feature map the teacher's number of channels.

    Args:
        in_channels (int): Channels of the input.
        out_channels (int): Channels of the output.
        ndim (int): Spatial dimensions of the input, 2 or 3. Defaults to 2.
        norm (bool): Whether BatchNorm follows. Defaults to False.
    """

    def __init__(self, in_channels: int, out_channels: int, ndim: int = 2, norm: bool = False) -> None:
        super().__init__()
        if ndim not in (2, 3):
            raise ValueError(f'ndim must be 2 or 3, got {ndim}')
        conv = nn.Conv2d if ndim == 2 else nn.Conv3d
        batch_norm = nn.BatchNorm2d if ndim == 2 else nn.BatchNorm3d
        self.in_channels = in_channels
        self.conv = conv(in_channels, out_channels, kernel_size=1, bias=not norm)
        self.norm = batch_norm(out_channels) if norm else nn.Identity()

    def forward(self, feat: Tensor) -> Tensor:
        """Project the channels of features (B, in_channels, ...).

        Returns:
            Tensor: Shape (B, out_channels, ...).

        Raises:
            ValueError: If the feature has another number of channels.
        """
        if feat.shape[1] != self.in_channels:
            raise ValueError(
                f'ProjectionConnector has in_channels={self.in_channels}, its feature {feat.shape[1]} channels: set '
                f'`in_channels` of this connector (model.connectors.<name>.in_channels) to {feat.shape[1]}'
            )
        return self.norm(self.conv(feat))
