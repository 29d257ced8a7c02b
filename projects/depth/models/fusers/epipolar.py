"""Fusion by attention along rows, which are the epipolar lines of a rectified pair."""

from collections.abc import Mapping, Sequence

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from .base import BaseStereoFuser


class RowAttention(nn.Module):
    """Each place of the left feature looks at the places of the right one in the same row.

    Args:
        channels (int): Channels, a multiple of ``num_heads``.
        num_heads (int): Heads. Defaults to 4.
        max_shift (int): Largest difference of columns, in cells, that has a bias of its own; places to the right of the
            left one have no positive disparity and are not looked at. Defaults to 96.
    """

    def __init__(self, channels: int, num_heads: int = 4, max_shift: int = 96) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'channels {channels} must be a multiple of num_heads {num_heads}')
        self.num_heads, self.max_shift = num_heads, max_shift
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.project = nn.Linear(channels, channels)
        self.disparity_bias = nn.Parameter(torch.zeros(num_heads, max_shift + 1))
        self.disparity_value = nn.Parameter(torch.zeros(max_shift + 1, channels))
        nn.init.trunc_normal_(self.disparity_value, std=0.02)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Attend; ``left`` and ``right`` are (B, C, h, w), and so is the result."""
        B, C, h, w = left.shape
        query_rows, key_rows = (self.norm(t.permute(0, 2, 3, 1).reshape(B * h, w, C)) for t in (left, right))
        key, value = self.key_value(key_rows).chunk(2, dim=-1)
        query, key, value = (
            t.unflatten(-1, (self.num_heads, C // self.num_heads)).transpose(1, 2)
            for t in (self.query(query_rows), key, value)
        )
        column = torch.arange(w, device=left.device)
        shift = column[:, None] - column
        bias = self.disparity_bias[:, shift.clamp(0, self.max_shift)].masked_fill(shift < 0, float('-inf'))
        scores = query @ key.transpose(-1, -2) * (C // self.num_heads) ** -0.5 + bias.to(query.dtype)
        weights = scores.softmax(-1)
        attended = (weights @ value.to(weights.dtype)).transpose(1, 2).flatten(2)
        out = self.project(attended) + self._expected_disparity_code(weights.mean(1), shift)
        return out.reshape(B, h, w, C).permute(0, 3, 1, 2)

    def _expected_disparity_code(self, weights: Tensor, shift: Tensor) -> Tensor:
        """Mean code of the disparities looked at: values alone do not tell where they came from."""
        index = shift.clamp(0, self.max_shift).expand(weights.shape[0], -1, -1)
        by_shift = weights.new_zeros(*weights.shape[:2], self.max_shift + 1).scatter_add(2, index, weights)
        return F.linear(by_shift, self.disparity_value.t().to(by_shift.dtype))


@MODELS.register_module()
class EpipolarStereoFuser(BaseStereoFuser):
    """Cross-attention along rows at some levels; the other levels are those of the left image.

    Source: default of this project, not from a paper.

    Args:
        in_channels (Sequence[int]): Channels of the backbone's levels, finest first.
        levels (Sequence[int]): Levels with attention. Defaults to (1, 2), strides 8 and 16 (not from a paper).
        num_heads (int): Heads. Defaults to 4.
        max_shift (int): As in :class:`RowAttention`. Defaults to 96.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        levels: Sequence[int] = (1, 2),
        num_heads: int = 4,
        max_shift: int = 96,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.attentions = nn.ModuleDict(
            {str(level): RowAttention(in_channels[level], num_heads, max_shift) for level in levels}
        )

    def forward(
        self, left: Sequence[Tensor], right: Sequence[Tensor], inputs: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Fuse; see :class:`BaseStereoFuser`. There are no further outputs."""
        fused = list(left)
        for name, attention in self.attentions.items():
            level = int(name)
            fused[level] = left[level] + attention(left[level], right[level])
        return fused, {}
