"""Attention that reads a few learned places around given ones (Deformable DETR, arXiv:2010.04159).

Shape letters: B batch, Q queries, C channels, L levels, A anchors of a query, V cells of all levels.
"""

import math
from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from projects.compute.asynchronous import constant
from projects.occupancy.ops import deformable_sample


class DeformableAttention(BaseModule):
    """Offsets and weights from the query, features from the maps; no projection of the result.

    At first all weights are equal and the points of an anchor lie on a ray, one cell farther each, in another direction
    for each head.

    Args:
        embed_dims (int): C.
        num_heads (int): Heads, which share the channels.
        num_levels (int): Feature maps.
        num_points (int): Points of a head and level, for all anchors together.
        num_anchors (int): A. Defaults to 1.

    Raises:
        ValueError: If heads do not divide the channels, or anchors the points.
    """

    def __init__(self, embed_dims: int, num_heads: int, num_levels: int, num_points: int, num_anchors: int = 1) -> None:
        super().__init__()
        if embed_dims % num_heads:
            raise ValueError(f'num_heads={num_heads} does not divide embed_dims={embed_dims}')
        if num_points % num_anchors:
            raise ValueError(f'num_points={num_points} must be a multiple of the {num_anchors} points of a pillar')
        self.num_heads, self.num_levels, self.num_anchors = num_heads, num_levels, num_anchors
        self.sampling_offsets = nn.Linear(embed_dims, num_heads * num_levels * num_points * 2)
        self.attention_weights = nn.Linear(embed_dims, num_heads * num_levels * num_points)
        self.value_proj = nn.Linear(embed_dims, embed_dims)
        angles = torch.arange(num_heads) * (2 * math.pi / num_heads)
        ways = torch.stack([angles.cos(), angles.sin()], -1)
        ways = ways / ways.abs().amax(-1, keepdim=True)
        steps = 1 + torch.arange(num_points // num_anchors).repeat_interleave(num_anchors)
        offsets = ways[:, None, None] * steps[:, None]
        for layer in (self.sampling_offsets, self.attention_weights):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(offsets.expand(-1, num_levels, -1, -1).flatten())
        nn.init.xavier_uniform_(self.value_proj.weight)
        nn.init.zeros_(self.value_proj.bias)

    def forward(self, query: Tensor, value: Tensor, shapes: Sequence[tuple[int, int]], anchors: Tensor) -> Tensor:
        """Read the maps.

        Args:
            query (Tensor): Shape (B, Q, C).
            value (Tensor): Features of all levels, one after the other, row by row. Shape (B, V, C).
            shapes (Sequence[tuple[int, int]]): Height and width of each level.
            anchors (Tensor): Places (x, y) in sizes of a map, the same for all levels or for each its own. Shape
                (B, Q, A, 2) or (B, Q, L, A, 2), or with 1 in place of B.

        Returns:
            Tensor: Float32, shape (B, Q, C).
        """
        heads, levels = self.num_heads, self.num_levels
        offsets = self.sampling_offsets(query).float().unflatten(-1, (heads, levels, -1, self.num_anchors, 2))
        weights = self.attention_weights(query).float().unflatten(-1, (heads, -1)).softmax(-1)
        sizes = constant([side for height, width in shapes for side in (width, height)], query, torch.float32).view(
            -1, 2
        )
        # (B, Q, heads, L, points of an anchor, A, 2)
        places = anchors.unsqueeze(2) if anchors.dim() == 5 else anchors[:, :, None, None]
        locations = places.unsqueeze(4) + offsets / sizes[:, None, None]
        features = self.value_proj(value).unflatten(-1, (heads, -1))
        return deformable_sample(features, shapes, locations.flatten(4, 5), weights.unflatten(-1, (levels, -1)))
