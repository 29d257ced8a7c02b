"""Attention adapters on the student's features, used in training only.

Shape letters: B batch, C channels, H x W feature map.
"""

import math

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

ATTENTIONS = ('nonlocal', 'cbam', 'none')


class NonLocalResidual(nn.Module):
    r"""Self-attention with pooled keys and values, times a factor that starts at zero.

    .. math:: A(X) = \gamma\, W_o V \mathrm{softmax}(Q^T K / \sqrt d)^T, \quad \gamma_0 = 0

    Source: non-local blocks (arXiv:1711.07971) in the form of SAGAN (arXiv:1805.08318); pooling is a default, not from
    the paper.

    Args:
        channels (int): C.
        reduction (int): C over the channels of queries and keys. Defaults to 4.
        max_tokens (int): Keys and values are pooled to at most about this many places. Defaults to 1540.
    """

    def __init__(self, channels: int, reduction: int = 4, max_tokens: int = 1540) -> None:
        super().__init__()
        inner = max(channels // reduction, 1)
        self.max_tokens = max_tokens
        self.query = nn.Conv2d(channels, inner, 1)
        self.key = nn.Conv2d(channels, inner, 1)
        self.value = nn.Conv2d(channels, inner, 1)
        self.out = nn.Conv2d(inner, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, feat: Tensor) -> Tensor:
        """Residual of (B, C, H, W), of the same shape."""
        H, W = feat.shape[2:]
        factor = max(1, math.ceil(math.sqrt(H * W / self.max_tokens)))
        pooled = F.avg_pool2d(feat, factor, ceil_mode=True) if factor > 1 else feat
        query, key, value = (
            t.flatten(2).transpose(1, 2) for t in (self.query(feat), self.key(pooled), self.value(pooled))
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.gamma * self.out(attended.transpose(1, 2).unflatten(2, (H, W)))


class CBAMResidual(nn.Module):
    """Channel and spatial attention (CBAM, arXiv:1807.06521) as a residual, times a factor that starts at zero.

    Args:
        channels (int): C.
        reduction (int): C over the hidden channels of the channel attention. Defaults to 4.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        inner = max(channels // reduction, 1)
        self.channel = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.ReLU(), nn.Conv2d(inner, channels, 1))
        self.spatial = nn.Conv2d(2, 1, 7, padding=3)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, feat: Tensor) -> Tensor:
        """Residual of (B, C, H, W), of the same shape."""
        mean, peak = feat.mean((2, 3), keepdim=True), feat.amax((2, 3), keepdim=True)
        refined = feat * (self.channel(mean) + self.channel(peak)).sigmoid()
        places = torch.cat([refined.mean(1, keepdim=True), refined.amax(1, keepdim=True)], dim=1)
        return self.gamma * (refined * self.spatial(places).sigmoid())


@MODELS.register_module()
class AttentionConnector(nn.Module):
    """Connector that adds an attention residual to a feature map; at the start it changes nothing.

    Wire it to ``student.feat_8`` (adapts the student) or to ``model.feat_8`` (both models, with the same weights).

    Source: the paper names attention-adapted feature distillation; the module is a default, not from the paper.

    Args:
        channels (int): C.
        attention (str): 'nonlocal', 'cbam' or 'none' (the features as they are). Defaults to 'nonlocal'.
        reduction (int): C over the channels inside the attention. Defaults to 4.
        max_tokens (int): Places that keys and values of 'nonlocal' are pooled to. Defaults to 1540.
    """

    def __init__(self, channels: int, attention: str = 'nonlocal', reduction: int = 4, max_tokens: int = 1540) -> None:
        super().__init__()
        self.channels = channels
        if attention not in ATTENTIONS:
            raise ValueError(f'attention must be one of {ATTENTIONS}, got {attention!r}')
        self.residual: nn.Module | None = None
        if attention == 'nonlocal':
            self.residual = NonLocalResidual(channels, reduction, max_tokens)
        elif attention == 'cbam':
            self.residual = CBAMResidual(channels, reduction)

    def forward(self, feat: Tensor) -> Tensor:
        """Adapt a feature map.

        Args:
            feat (Tensor): Shape (B, C, H, W).

        Returns:
            Tensor: Shape (B, C, H, W).

        Raises:
            ValueError: If the feature has another number of channels.
        """
        if feat.shape[1] != self.channels:
            raise ValueError(
                f'AttentionConnector has channels={self.channels}, its feature {feat.shape[1]}: set `channels` of this '
                f'connector (model.connectors.<name>.channels) to {feat.shape[1]}'
            )
        return feat if self.residual is None else feat + self.residual(feat)
