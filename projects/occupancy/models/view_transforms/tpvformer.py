"""Three planes of queries that read the images (TPVFormer, arXiv:2302.07817), for one keyframe.

Shape letters: B batch, N cameras, C channels, fH x fW feature map, X/Y/Z cells of the box, Q cells of a plane, P points
of a pillar.
"""

from collections.abc import Mapping, Sequence

import torch
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from projects.rendering import VoxelGrid

from .bevformer import join_levels
from .pillars import PillarViews, find_all_views, pillar_points, project_pillars
from .tpvformer_layer import PLANES, TPVFormerLayer

AXES = ((0, 1, 2), (0, 2, 1), (1, 2, 0))
"""Axes of the columns, the rows and the pillars of each plane: from above, from the side and from the front."""


def points_of_plane(point_cloud_range: Sequence[float], grid_size: Sequence[int], plane: int, count: int) -> Tensor:
    """Points on the pillars of a plane, in the middle of equal slices of the box.

    Args:
        point_cloud_range (Sequence[float]): x, y, z minimum, then maximum, in metres.
        grid_size (Sequence[int]): X, Y and Z.
        plane (int): Index in :data:`AXES`.
        count (int): P.

    Returns:
        Tensor: Ego points (x, y, z) in metres, row by row. Shape (Q, P, 3).
    """
    axes = AXES[plane]
    box = [point_cloud_range[axis + end] for end in (0, 3) for axis in axes]
    points = pillar_points(box, [grid_size[axis] for axis in axes[:2]], count)
    return points[..., [axes.index(axis) for axis in range(3)]]


def anchors_of_plane(grid_size: Sequence[int], plane: int, count: int) -> Tensor:
    """Where the points on the pillars of a plane lie on all three planes, in plane sizes (column, row).

    Args:
        grid_size (Sequence[int]): X, Y and Z.
        plane (int): Index in :data:`AXES`.
        count (int): P.

    Returns:
        Tensor: Shape (1, Q, 3, P, 2).
    """
    unit = points_of_plane((0.0, 0.0, 0.0, 1.0, 1.0, 1.0), grid_size, plane, count)
    return torch.stack([unit[..., list(axes[:2])] for axes in AXES], 1)[None]


@MODELS.register_module()
class TPVFormerEncoder(BaseModule):
    """Learned queries of three planes, which read each other and the images; the feature of a voxel is their sum.

    A query reads only the cameras in whose image a point of its pillar lies. As in :class:`BEVFormerEncoder` no weight
    belongs to a camera.

    Args:
        embed_dims (int): C, of the image features, the queries and the voxel feature.
        point_cloud_range (Sequence[float]): x, y, z minimum, then maximum, in metres.
        grid_size (Sequence[int]): Cells along x, y and z.
        num_layers (int): Layers that read the images. Defaults to 3.
        num_plane_layers (int): Layers after them, in which the planes read each other alone. Defaults to 2.
        num_levels (int): Image feature maps. Defaults to 4.
        num_heights (Sequence[int]): Points of a pillar, for the planes from above, the side and the front. Defaults to
            (4, 32, 32).
        num_points (Sequence[int]): Points that a head reads of a feature map; multiples of ``num_heights``. Defaults to
            (8, 64, 64).
        num_heads (int): Heads. Defaults to 8.
        plane_heights (int): Points of a pillar where planes read each other. Defaults to 16.
        plane_points (int): Points that a head reads of each plane, a multiple of ``plane_heights``. Defaults to 32.
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
        grid_size: Sequence[int],
        num_layers: int = 3,
        num_plane_layers: int = 2,
        num_levels: int = 4,
        num_heights: Sequence[int] = (4, 32, 32),
        num_points: Sequence[int] = (8, 64, 64),
        num_heads: int = 8,
        plane_heights: int = 16,
        plane_points: int = 32,
        ffn_channels: int | None = None,
        dropout: float = 0.1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        box = VoxelGrid(point_cloud_range, grid_size)
        if len(num_heights) != PLANES or len(num_points) != PLANES:
            raise ValueError(f'num_heights and num_points need {PLANES} values, got {num_heights} and {num_points}')
        if embed_dims % 2:
            raise ValueError(f'embed_dims must be even, half for rows and half for columns, got {embed_dims}')
        self.point_cloud_range, self.grid_size = box.point_cloud_range, box.grid_size
        self.embed_dims = embed_dims
        self.plane_shapes = [(grid_size[rows], grid_size[columns]) for columns, rows, _ in AXES]
        self.query_embed = nn.ModuleList(
            nn.Embedding(rows * columns, embed_dims) for rows, columns in self.plane_shapes
        )
        self.axis_embed = nn.ModuleList(nn.Embedding(side, embed_dims // 2) for side in grid_size)
        self.level_embed = nn.Embedding(num_levels, embed_dims)
        sizes = {'num_heads': num_heads, 'num_levels': num_levels, 'num_heights': num_heights, 'num_points': num_points}
        sizes.update(
            plane_heights=plane_heights, plane_points=plane_points, ffn_channels=ffn_channels or 2 * embed_dims
        )
        kinds = [True] * num_layers + [False] * num_plane_layers
        self.layers = nn.ModuleList(
            TPVFormerLayer(embed_dims, dropout=dropout, reads_images=reads, **sizes) for reads in kinds
        )
        for embedding in self.axis_embed:
            nn.init.uniform_(embedding.weight)
        for plane, heights in enumerate(num_heights):
            points = points_of_plane(point_cloud_range, grid_size, plane, heights)
            self.register_buffer(f'points_{plane}', points, persistent=False)
            self.register_buffer(
                f'anchors_{plane}', anchors_of_plane(grid_size, plane, plane_heights), persistent=False
            )

    def find(self, inputs: Mapping[str, Tensor]) -> list[PillarViews]:
        """Cells of each plane that each camera sees, of ``imgs`` (B, N, 3, H, W) and the calibration, no gradient."""
        height, width = inputs['imgs'].shape[-2:]
        points = [self.get_buffer(f'points_{plane}') for plane in range(PLANES)]
        with torch.no_grad():
            return find_all_views([project_pillars(found, inputs, (height, width)) for found in points])

    def attend(self, img_feats: Sequence[Tensor], views: Sequence[PillarViews]) -> Tensor:
        """Voxel feature (B, C, X, Y, Z).

        Args:
            img_feats (Sequence[Tensor]): Feature maps of all levels, each of shape (B, N, C, fH, fW).
            views (Sequence[PillarViews]): Of :meth:`find`.

        Raises:
            ValueError: If the number of feature maps or of their channels is another than that of the config.
        """
        value, shapes = join_levels(img_feats, self.level_embed.weight, type(self).__name__)
        planes = [embed.weight.expand(len(img_feats[0]), -1, -1) for embed in self.query_embed]
        positions = [self._positions(plane) for plane in range(PLANES)]
        anchors = [self.get_buffer(f'anchors_{plane}') for plane in range(PLANES)]
        for layer in self.layers:
            planes = layer(planes, positions, self.plane_shapes, anchors, value, shapes, views)
        # (B, C, columns, rows) each: x and y, x and z, y and z.
        above, side, front = (
            plane.unflatten(1, shape).permute(0, 3, 2, 1) for plane, shape in zip(planes, self.plane_shapes)
        )
        return above.unsqueeze(4) + side.unsqueeze(3) + front.unsqueeze(2)

    def _positions(self, plane: int) -> Tensor:
        """Learned positions (Q, C) of the cells of a plane: half of its column, half of its row."""
        columns, rows = (self.axis_embed[axis].weight for axis in AXES[plane][:2])
        along, across = columns.expand(len(rows), -1, -1), rows.unsqueeze(1).expand(-1, len(columns), -1)
        return torch.cat([along, across], -1).flatten(0, 1)

    def forward(self, img_feats: Sequence[Tensor], inputs: Mapping[str, Tensor]) -> Tensor:
        """Voxel feature (B, C, X, Y, Z) of image features, see :meth:`attend`, and of images and calibration.

        Feature maps are taken to cover the image exactly: their strides should divide its size.
        """
        return self.attend(img_feats, self.find(inputs))
