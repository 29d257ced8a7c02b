"""One layer of BEVFormer's encoder: the grid attends to itself, then to the images that see it.

Shape letters: B batch, N cameras, Q cells of the grid, C channels, M cells of a camera, V cells of all levels.
"""

from collections.abc import Sequence

from mmcv.cnn.bricks.transformer import FFN
from mmengine.model import BaseModule
from torch import Tensor, nn

from .deformable_attention import DeformableAttention
from .pillars import PillarViews


def look_at_images(
    attention: DeformableAttention,
    queries: Tensor,
    img_value: Tensor,
    img_shapes: Sequence[tuple[int, int]],
    views: PillarViews,
) -> Tensor:
    """Mean over the cameras that see a cell of what it reads there, 0 where none does.

    Args:
        attention (DeformableAttention): Reads the images around the points of a cell.
        queries (Tensor): Features of the cells. Shape (B, Q, C).
        img_value (Tensor): Image features of all levels. Shape (B * N, V, C).
        img_shapes (Sequence[tuple[int, int]]): Height and width of each level.
        views (PillarViews): Which camera sees which cell, and where.

    Returns:
        Tensor: Float32, shape (B, Q, C).
    """
    rows, weight = views.rows.flatten(), views.valid.flatten().float()
    cells = queries.flatten(0, 1)
    query = cells.index_select(0, rows).unflatten(0, views.rows.shape).flatten(0, 1)
    read = attention(query, img_value, img_shapes, views.locations.flatten(0, 1)).flatten(0, 1)
    total = read.new_zeros(cells.shape).index_add(0, rows, read * weight[:, None])
    count = weight.new_zeros(len(cells)).index_add(0, rows, weight)
    return (total / count.clamp(min=1)[:, None]).view(queries.shape)


class BEVFormerLayer(BaseModule):
    """Self-attention, cross-attention and a feed-forward network, each with a residual and then a LayerNorm.

    Args:
        embed_dims (int): C.
        num_heads (int): Heads of both attentions.
        num_levels (int): Image feature maps.
        num_heights (int): Points of a pillar.
        num_points (int): Points that a head reads of a level, for the whole pillar.
        self_points (int): Points that a head reads of the grid.
        ffn_channels (int): Channels inside the feed-forward network.
        dropout (float): Dropout after each of the three.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        num_levels: int,
        num_heights: int,
        num_points: int,
        self_points: int,
        ffn_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.self_attn = DeformableAttention(embed_dims, num_heads, 1, self_points)
        self.cross_attn = DeformableAttention(embed_dims, num_heads, num_levels, num_points, num_heights)
        self.self_proj, self.cross_proj = (nn.Linear(embed_dims, embed_dims) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(embed_dims) for _ in range(3))
        self.dropout = nn.Dropout(dropout)
        self.ffn = FFN(embed_dims, ffn_channels, ffn_drop=dropout)
        for projection in (self.self_proj, self.cross_proj):
            nn.init.xavier_uniform_(projection.weight)
            nn.init.zeros_(projection.bias)

    def forward(
        self,
        bev: Tensor,
        positions: Tensor,
        bev_shape: tuple[int, int],
        centres: Tensor,
        img_value: Tensor,
        img_shapes: Sequence[tuple[int, int]],
        views: PillarViews,
    ) -> Tensor:
        """Next feature of the grid.

        Args:
            bev (Tensor): Feature of the grid. Shape (B, Q, C).
            positions (Tensor): Learned positions. Shape (Q, C).
            bev_shape (tuple[int, int]): Y and X.
            centres (Tensor): Centres of the cells in grid sizes. Shape (1, Q, 1, 2).
            img_value (Tensor): Image features of all levels. Shape (B * N, V, C).
            img_shapes (Sequence[tuple[int, int]]): Height and width of each level.
            views (PillarViews): Which camera sees which cell, and where.

        Returns:
            Tensor: Shape (B, Q, C).
        """
        around = self.self_attn(bev + positions, bev, [bev_shape], centres)
        bev = self.norms[0](bev + self.dropout(self.self_proj(around)))
        seen = look_at_images(self.cross_attn, bev, img_value, img_shapes, views)
        bev = self.norms[1](bev + self.dropout(self.cross_proj(seen)))
        return self.norms[2](self.ffn(bev))
