"""Attention inside windows, with queries and keys of one feature map and values of another.

Shape letters: B batch, C channels, H x W feature map, n windows, M side of a window.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def split_windows(x: Tensor, size: int) -> Tensor:
    """(B, H, W, C) -> (B * n, size * size, C); H and W are multiples of ``size``."""
    B, H, W, C = x.shape
    x = x.view(B, H // size, size, W // size, size, C)
    return x.transpose(2, 3).reshape(-1, size * size, C)


def join_windows(windows: Tensor, size: int, height: int, width: int) -> Tensor:
    """Inverse of :func:`split_windows`: (B * n, size * size, C) -> (B, height, width, C)."""
    x = windows.view(-1, height // size, width // size, size, size, windows.shape[-1])
    return x.transpose(2, 3).reshape(-1, height, width, windows.shape[-1])


def window_regions(
    height: int, width: int, valid: tuple[int, int], size: int, shift: int, device: torch.device | None = None
) -> Tensor:
    """Number of the region of each place, so that only places of one region see each other.

    A cyclic shift brings opposite borders into one window, and padding must not be looked at.

    Args:
        height (int): Padded height.
        width (int): Padded width.
        valid (tuple[int, int]): Height and width without padding.
        size (int): Side of a window.
        shift (int): Cyclic shift.
        device (torch.device, optional): Where the result is made; a copy there would be waited for. Defaults to None.

    Returns:
        Tensor: Shape (n, size * size).
    """
    rows = torch.zeros(height, dtype=torch.long, device=device)
    columns = torch.zeros(width, dtype=torch.long, device=device)
    for places, length in ((rows, valid[0]), (columns, valid[1])):
        places[length:] = 1
        if shift:
            places.copy_(places.roll(-shift))
            places[-shift:] += 2
    regions = rows[:, None] * 4 + columns
    return split_windows(regions[None, ..., None], size)[..., 0]


class WindowCRFAttention(nn.Module):
    """Window attention: queries and keys from the decoder's features, values from the backbone's.

    The attention weights are the pairwise potentials of a fully connected CRF inside each window.

    Source: NeWCRFs (arXiv:2203.01502), Sec. 3.2; shifted windows and relative positions of Swin (arXiv:2103.14030).

    Args:
        channels (int): C, a multiple of ``num_heads``.
        num_heads (int): Heads.
        window_size (int): M. Defaults to 7.
        shift (int): Cyclic shift of the windows. Defaults to 0.
    """

    position_index: Tensor

    def __init__(self, channels: int, num_heads: int, window_size: int = 7, shift: int = 0) -> None:
        super().__init__()
        self.num_heads, self.window_size, self.shift = num_heads, window_size, shift
        self.query_key = nn.Linear(channels, 2 * channels)
        self.project = nn.Linear(channels, channels)
        self.position_bias = nn.Parameter(torch.zeros((2 * window_size - 1) ** 2, num_heads))
        nn.init.trunc_normal_(self.position_bias, std=0.02)
        place = torch.stack(
            torch.meshgrid(torch.arange(window_size), torch.arange(window_size), indexing='ij')
        ).flatten(1)
        offset = place[:, :, None] - place[:, None, :] + window_size - 1
        self.register_buffer('position_index', offset[0] * (2 * window_size - 1) + offset[1], persistent=False)

    def forward(self, x: Tensor, value: Tensor) -> Tensor:
        """Attend.

        Args:
            x (Tensor): Source of queries and keys. Shape (B, H, W, C).
            value (Tensor): Values. Shape (B, H, W, C).

        Returns:
            Tensor: Shape (B, H, W, C).
        """
        _, H, W, C = x.shape
        size = self.window_size
        pad = (0, 0, 0, -W % size, 0, -H % size)
        x, value = F.pad(x, pad), F.pad(value, pad)
        height, width = x.shape[1:3]
        if self.shift:
            x, value = (t.roll((-self.shift, -self.shift), (1, 2)) for t in (x, value))
        query, key = self.query_key(split_windows(x, size)).chunk(2, dim=-1)
        query, key, values = (
            t.unflatten(-1, (self.num_heads, C // self.num_heads)).transpose(1, 2)
            for t in (query, key, split_windows(value, size))
        )
        bias = self._bias(height, width, (H, W), query)
        out = F.scaled_dot_product_attention(query, key, values, attn_mask=bias)
        out = join_windows(self.project(out.transpose(1, 2).flatten(2)), size, height, width)
        if self.shift:
            out = out.roll((self.shift, self.shift), (1, 2))
        return out[:, :H, :W]

    def _bias(self, height: int, width: int, valid: tuple[int, int], query: Tensor) -> Tensor:
        """Relative positions, and minus infinity between regions. Shape (B * n, heads, M * M, M * M)."""
        bias = self.position_bias[self.position_index].permute(2, 0, 1)
        regions = window_regions(height, width, valid, self.window_size, self.shift, query.device)
        apart = regions[:, None, :] != regions[:, :, None]
        mask = torch.zeros(apart.shape, device=query.device, dtype=bias.dtype).masked_fill(apart, float('-inf'))
        both = bias[None] + mask[:, None]
        return both.repeat(query.shape[0] // both.shape[0], 1, 1, 1).to(query.dtype)


class WindowCRFBlock(nn.Module):
    """Two layers of window attention, the second with shifted windows, each followed by an MLP.

    Args:
        in_channels (int): Channels of the backbone's features.
        channels (int): C of the decoder's features.
        num_heads (int): Heads.
        window_size (int): Side of a window. Defaults to 7.
    """

    def __init__(self, in_channels: int, channels: int, num_heads: int, window_size: int = 7) -> None:
        super().__init__()
        self.embed_value = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.value_norm = nn.LayerNorm(channels)
        shifts = (0, window_size // 2)
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in shifts)
        self.attentions = nn.ModuleList(WindowCRFAttention(channels, num_heads, window_size, s) for s in shifts)
        self.mlps = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(channels), nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
            )
            for _ in shifts
        )
        self.out_norm = nn.LayerNorm(channels)

    def forward(self, feat: Tensor, encoder_feat: Tensor) -> Tensor:
        """Refine ``feat`` (B, C, H, W) with ``encoder_feat`` (B, in_channels, H, W); returns (B, C, H, W)."""
        value = self.value_norm(self.embed_value(encoder_feat).permute(0, 2, 3, 1))
        x = feat.permute(0, 2, 3, 1)
        for norm, attention, mlp in zip(self.norms, self.attentions, self.mlps):
            x = x + attention(norm(x), value)
            x = x + mlp(x)
        return self.out_norm(x).permute(0, 3, 1, 2)
