"""One layer of TPVFormer's encoder: three planes read each other, then the images that see them.

Shape letters: B batch, C channels, Q cells of a plane, P points of a pillar, V cells of all image levels.
"""

from collections.abc import Sequence

import torch
from mmcv.cnn.bricks.transformer import FFN
from mmengine.model import BaseModule
from torch import Tensor, nn

from .bevformer_layer import look_at_images
from .deformable_attention import DeformableAttention
from .pillars import PillarViews

PLANES = 3


def _projections(embed_dims: int) -> nn.ModuleList:
    layers = nn.ModuleList(nn.Linear(embed_dims, embed_dims) for _ in range(PLANES))
    for layer in layers:
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    return layers


class TPVFormerLayer(BaseModule):
    """Cross-view hybrid attention, image cross-attention and a feed-forward network.

    Each has a residual and then a LayerNorm. Attentions belong to a plane, norms and the feed-forward network to all
    three (TPVFormer, section 3.3).

    Args:
        embed_dims (int): C.
        num_heads (int): Heads of all attentions.
        num_levels (int): Image feature maps.
        num_heights (Sequence[int]): Points of a pillar in the image cross-attention of each plane.
        num_points (Sequence[int]): Points that a head reads of a feature map, for each plane a multiple of
            ``num_heights``.
        plane_heights (int): Points of a pillar in the hybrid attention.
        plane_points (int): Points that a head reads of each plane, a multiple of ``plane_heights``.
        ffn_channels (int): Channels inside the feed-forward network.
        dropout (float): Dropout after each of the three.
        reads_images (bool): Whether there is an image cross-attention.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        num_levels: int,
        num_heights: Sequence[int],
        num_points: Sequence[int],
        plane_heights: int,
        plane_points: int,
        ffn_channels: int,
        dropout: float,
        reads_images: bool,
    ) -> None:
        super().__init__()
        self.hybrid_attn = nn.ModuleList(
            DeformableAttention(embed_dims, num_heads, PLANES, plane_points, plane_heights) for _ in range(PLANES)
        )
        self.hybrid_proj = _projections(embed_dims)
        self.cross_attn = self.cross_proj = None
        if reads_images:
            self.cross_attn = nn.ModuleList(
                DeformableAttention(embed_dims, num_heads, num_levels, points, heights)
                for points, heights in zip(num_points, num_heights)
            )
            self.cross_proj = _projections(embed_dims)
        self.norms = nn.ModuleList(nn.LayerNorm(embed_dims) for _ in range(3 if reads_images else 2))
        self.dropout = nn.Dropout(dropout)
        self.ffn = FFN(embed_dims, ffn_channels, ffn_drop=dropout)

    def forward(
        self,
        planes: Sequence[Tensor],
        positions: Sequence[Tensor],
        plane_shapes: Sequence[tuple[int, int]],
        anchors: Sequence[Tensor],
        img_value: Tensor,
        img_shapes: Sequence[tuple[int, int]],
        views: Sequence[PillarViews],
    ) -> list[Tensor]:
        """Next features of the planes; all sequences but ``img_shapes`` have an entry for each plane.

        Args:
            planes (Sequence[Tensor]): Features of the cells. Shape (B, Q, C).
            positions (Sequence[Tensor]): Learned positions. Shape (Q, C).
            plane_shapes (Sequence[tuple[int, int]]): Rows and columns.
            anchors (Sequence[Tensor]): Where the points of a pillar lie on all planes, in plane sizes. Shape
                (1, Q, 3, P, 2).
            img_value (Tensor): Image features of all levels. Shape (B * N, V, C).
            img_shapes (Sequence[tuple[int, int]]): Height and width of each level.
            views (Sequence[PillarViews]): Which camera sees which cell, and where.

        Returns:
            list[Tensor]: Shape (B, Q, C) each.
        """
        value = torch.cat(list(planes), 1)
        parts = zip(planes, positions, anchors, self.hybrid_attn, self.hybrid_proj)
        planes = [
            self.norms[0](plane + self.dropout(proj(attention(plane + position, value, plane_shapes, anchor))))
            for plane, position, anchor, attention, proj in parts
        ]
        if self.cross_attn is not None and self.cross_proj is not None:
            planes = [
                self.norms[1](plane + self.dropout(proj(look_at_images(attention, plane, img_value, img_shapes, view))))
                for plane, view, attention, proj in zip(planes, views, self.cross_attn, self.cross_proj)
            ]
        cells = self.norms[-1](self.ffn(torch.cat(planes, 1)))
        return list(cells.split([plane.shape[1] for plane in planes], 1))
