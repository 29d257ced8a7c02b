"""BEV queries that read the images they are seen in (BEVFormer, arXiv:2203.17270), for one keyframe.

Shape letters: B batch, N cameras, C channels, fH x fW feature map, Q = Y * X cells, V cells of all levels.
"""

from collections.abc import Mapping, Sequence

import torch
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from .bevformer_layer import BEVFormerLayer
from .pillars import PillarViews, find_views, pillar_points, project_pillars


def join_levels(img_feats: Sequence[Tensor], level_embed: Tensor, name: str) -> tuple[Tensor, list[tuple[int, int]]]:
    """Cells of all feature maps in one tensor, each with the embedding of its level.

    Args:
        img_feats (Sequence[Tensor]): Feature maps of all levels, each of shape (B, N, C, fH, fW).
        level_embed (Tensor): Embeddings. Shape (L, C).
        name (str): Class that reads them, for the message.

    Returns:
        tuple[Tensor, list[tuple[int, int]]]: Features of shape (B * N, V, C), and (fH, fW) of each level.

    Raises:
        ValueError: If the number of feature maps or of their channels is another than that of the embeddings.
    """
    channels = {feat.shape[2] for feat in img_feats}
    levels, embed_dims = level_embed.shape
    if len(img_feats) != levels or channels != {embed_dims}:
        raise ValueError(
            f'{name} expects {levels} feature maps of {embed_dims} channels, got {len(img_feats)} of '
            f'{sorted(channels)}; see num_levels, embed_dims and the img_neck'
        )
    flat = [feat.flatten(0, 1).flatten(2).transpose(1, 2) for feat in img_feats]
    value = torch.cat([feat + level for feat, level in zip(flat, level_embed)], 1)
    return value, [tuple(feat.shape[-2:]) for feat in img_feats]


@MODELS.register_module()
class BEVFormerEncoder(BaseModule):
    """Learned queries of a BEV grid, refined by layers of deformable self-attention and cross-attention.

    A query reads only the cameras in whose image a point of its pillar lies. No weight belongs to a camera, so their
    order does not count and their number may change; BEVFormer has an embedding of each camera and of the motion of
    the car, and reads the BEV feature of the former frame in its self-attention.

    Args:
        embed_dims (int): C, of the image features, the queries and the BEV feature.
        point_cloud_range (Sequence[float]): x, y, z minimum, then maximum, in metres.
        bev_size (Sequence[int]): Cells along x and y.
        num_layers (int): Layers. Defaults to 4.
        num_levels (int): Image feature maps. Defaults to 4.
        num_heights (int): Points of a pillar. Defaults to 8.
        num_points (int): Points that a head reads of a feature map, for the whole pillar; a multiple of
            ``num_heights``. Defaults to 8.
        num_heads (int): Heads. Defaults to 8.
        self_points (int): Points that a head reads of the grid. Defaults to 4.
        ffn_channels (int, optional): Channels inside the feed-forward networks. Defaults to None: twice ``embed_dims``.
        dropout (float): Dropout. Defaults to 0.1.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.

    Raises:
        ValueError: If sizes do not fit each other.
    """

    def __init__(
        self,
        embed_dims: int,
        point_cloud_range: Sequence[float],
        bev_size: Sequence[int],
        num_layers: int = 4,
        num_levels: int = 4,
        num_heights: int = 8,
        num_points: int = 8,
        num_heads: int = 8,
        self_points: int = 4,
        ffn_channels: int | None = None,
        dropout: float = 0.1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if len(point_cloud_range) != 6 or len(bev_size) != 2:
            raise ValueError(f'point_cloud_range needs 6 values and bev_size 2, got {point_cloud_range} and {bev_size}')
        if embed_dims % 2:
            raise ValueError(f'embed_dims must be even, half for rows and half for columns, got {embed_dims}')
        self.point_cloud_range, self.bev_size = tuple(point_cloud_range), tuple(bev_size)
        self.embed_dims, self.num_levels = embed_dims, num_levels
        X, Y = self.bev_size
        self.query_embed = nn.Embedding(Y * X, embed_dims)
        self.row_embed, self.column_embed = nn.Embedding(Y, embed_dims // 2), nn.Embedding(X, embed_dims // 2)
        self.level_embed = nn.Embedding(num_levels, embed_dims)
        sizes = {'num_heads': num_heads, 'num_levels': num_levels, 'num_heights': num_heights, 'num_points': num_points}
        sizes.update(self_points=self_points, ffn_channels=ffn_channels or 2 * embed_dims)
        self.layers = nn.ModuleList(BEVFormerLayer(embed_dims, dropout=dropout, **sizes) for _ in range(num_layers))
        for embedding in (self.row_embed, self.column_embed):
            nn.init.uniform_(embedding.weight)
        self.register_buffer('points', pillar_points(point_cloud_range, bev_size, num_heights), persistent=False)
        unit = pillar_points((0.0, 0.0, 0.0, 1.0, 1.0, 1.0), bev_size, 1)
        self.register_buffer('centres', unit[None, ..., :2], persistent=False)

    def find(self, inputs: Mapping[str, Tensor]) -> PillarViews:
        """Cells that each camera sees, of ``imgs`` (B, N, 3, H, W) and the calibration; no gradient reaches it."""
        height, width = inputs['imgs'].shape[-2:]
        with torch.no_grad():
            return find_views(*project_pillars(self.points, inputs, (height, width)))

    def attend(self, img_feats: Sequence[Tensor], views: PillarViews) -> Tensor:
        """BEV feature (B, C, Y, X), channels last in memory.

        Args:
            img_feats (Sequence[Tensor]): Feature maps of all levels, each of shape (B, N, C, fH, fW).
            views (PillarViews): Of :meth:`find`.

        Raises:
            ValueError: If the number of feature maps or of their channels is another than that of the config.
        """
        value, shapes = join_levels(img_feats, self.level_embed.weight, type(self).__name__)
        X, Y = self.bev_size
        rows, columns = self.row_embed.weight, self.column_embed.weight
        positions = torch.cat([columns.expand(Y, -1, -1), rows.unsqueeze(1).expand(-1, X, -1)], -1).flatten(0, 1)
        bev = self.query_embed.weight.expand(len(img_feats[0]), -1, -1)
        for layer in self.layers:
            bev = layer(bev, positions, (Y, X), self.centres, value, shapes, views)
        return bev.unflatten(1, (Y, X)).permute(0, 3, 1, 2)

    def forward(self, img_feats: Sequence[Tensor], inputs: Mapping[str, Tensor]) -> Tensor:
        """BEV feature (B, C, Y, X) of image features, see :meth:`attend`, of inputs with images and calibration.

        Feature maps are taken to cover the image exactly: their strides should divide its size.
        """
        return self.attend(img_feats, self.find(inputs))
