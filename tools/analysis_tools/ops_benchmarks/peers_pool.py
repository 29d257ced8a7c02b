"""The peers' algorithms of voxel pooling, written down again from their sources for comparison.

Each function does the same steps in the same order as its source, so that it costs what the source costs; tests hold
the results against slow code.

Shape letters: B batch, N cameras, D depth bins, H x W feature map, C channels, X/Y/Z voxels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class PeerRanking(NamedTuple):
    """Points inside the grid, sorted by voxel, and the intervals of equal voxels."""

    voxels: Tensor
    depths: Tensor
    feats: Tensor
    starts: Tensor
    lengths: Tensor


def frustum(bins: Tensor, pixels: Tensor) -> Tensor:
    """Table (D, H, W, 3) of (u, v, depth) from bins (D,) and pixels (H, W, 2); made once, when the model is built."""
    D, (H, W) = bins.numel(), pixels.shape[:2]
    return torch.cat([pixels.expand(D, H, W, 2), bins.view(D, 1, 1, 1).expand(D, H, W, 1)], -1)


def ego_points(
    table: Tensor, cam2ego: Tensor, cam2img: Tensor, post_rots: Tensor, post_trans: Tensor, bda: Tensor
) -> Tensor:
    """Every frustum point through every matrix, (B, N, D, H, W, 3).

    Source: ``get_ego_coor`` of FlashOCC,
    https://github.com/Yzichen/FlashOCC/blob/4084861/projects/mmdet3d_plugin/models/necks/view_transformer.py
    """
    B, N = cam2ego.shape[:2]

    def each(matrix: Tensor) -> Tensor:
        return matrix.view(B, N, 1, 1, 1, *matrix.shape[2:])

    undone = each(torch.inverse(post_rots)) @ (table - each(post_trans)).unsqueeze(-1)
    depth = undone[..., 2:3, :]
    scaled = torch.cat([undone[..., :2, :] * depth, depth], -2)
    points = (each(cam2ego[..., :3, :3] @ torch.inverse(cam2img)) @ scaled).squeeze(-1)
    points += each(cam2ego[..., :3, 3])
    return (bda.view(B, 1, 1, 1, 1, 3, 3) @ points.unsqueeze(-1)).squeeze(-1)


def rank_points_v2(points: Tensor, lower: Sequence[float], interval: Sequence[float], grid: Tensor) -> PeerRanking:
    """Truncate to cells, drop points outside, sort by a float key and find the intervals.

    Source: ``voxel_pooling_prepare_v2``, same file as :func:`ego_points`.

    Args:
        points (Tensor): (B, N, D, H, W, 3) in metres.
        lower (Sequence[float]): Lower corner of the grid.
        interval (Sequence[float]): Size of a voxel.
        grid (Tensor): (X, Y, Z) as floats, as the source keeps them.

    Returns:
        PeerRanking: int32 tensors.
    """
    B, N, D, H, W, _ = points.shape
    total = B * N * D * H * W
    depths = torch.arange(total, dtype=torch.int32)
    feats = torch.arange(total // D, dtype=torch.int32).view(B, N, 1, H, W).expand(B, N, D, H, W).flatten()
    cells = ((points - points.new_tensor(lower)) / points.new_tensor(interval)).long().view(total, 3)
    batch = torch.arange(float(B)).view(B, 1).expand(B, total // B).reshape(total, 1).to(cells)
    cells = torch.cat([cells, batch], 1)
    inside = (cells[:, 0] >= 0) & (cells[:, 0] < grid[0])
    inside = inside & (cells[:, 1] >= 0) & (cells[:, 1] < grid[1])
    inside = inside & (cells[:, 2] >= 0) & (cells[:, 2] < grid[2])
    cells, depths, feats = cells[inside], depths[inside], feats[inside]
    key = cells[:, 3] * (grid[2] * grid[1] * grid[0])
    key += cells[:, 2] * (grid[1] * grid[0])
    key += cells[:, 1] * grid[0] + cells[:, 0]
    order = key.argsort()
    key, depths, feats = key[order], depths[order], feats[order]
    first = torch.ones(key.numel(), dtype=torch.bool)
    first[1:] = key[1:] != key[:-1]
    starts = torch.where(first)[0].int()
    lengths = torch.zeros_like(starts)
    lengths[:-1] = starts[1:] - starts[:-1]
    lengths[-1] = key.numel() - starts[-1]
    return PeerRanking(*(tensor.int().contiguous() for tensor in (key, depths, feats, starts, lengths)))


class _CumsumPool(torch.autograd.Function):
    """Prefix sums of points sorted by voxel; the difference at the last point of each voxel is its sum."""

    @staticmethod
    def forward(ctx, values, ranks):
        sums = values.cumsum(0)
        last = torch.ones(len(values), dtype=torch.bool)
        last[:-1] = ranks[1:] != ranks[:-1]
        ctx.save_for_backward(last)
        sums = sums[last]
        return torch.cat([sums[:1], sums[1:] - sums[:-1]]), last

    @staticmethod
    def backward(ctx, grad, _):
        (last,) = ctx.saved_tensors
        row = last.cumsum(0)
        row[last] -= 1
        return grad[row], None


def outer_product(depth: Tensor, feats: Tensor) -> Tensor:
    """All products (B * N * D * H * W, C) of depth (B, N, D, H, W) and features (B, N, H, W, C)."""
    return (depth.unsqueeze(-1) * feats.unsqueeze(2)).reshape(-1, feats.shape[-1])


def quick_cumsum_pool(depth: Tensor, feats: Tensor, kept: Tensor, keys: Tensor, num_voxels: int, sort: bool) -> Tensor:
    """Pool with sorted prefix sums; returns (num_voxels, C).

    Source: ``QuickCumsum`` and its caller in LSS, as BEVFusion in mmdetection3d keeps it,
    https://github.com/open-mmlab/mmdetection3d/blob/fe25f7a/projects/BEVFusion/bevfusion/ops/bev_pool/bev_pool.py

    Args:
        depth (Tensor): (B, N, D, H, W).
        feats (Tensor): (B, N, H, W, C).
        kept (Tensor): Places of the points inside the grid in the flat depth.
        keys (Tensor): Their voxels.
        num_voxels (int): Number of voxels of the dense result.
        sort (bool): Whether to sort in the call, as the source does; otherwise ``kept`` and ``keys`` are sorted.
    """
    values = outer_product(depth, feats)[kept]
    if sort:
        order = keys.argsort()
        values, keys = values[order], keys[order]
    sums, last = _CumsumPool.apply(values, keys)
    dense = values.new_zeros(num_voxels, values.shape[1])
    dense[keys[last]] = sums
    return dense


def index_add_pool(depth: Tensor, feats: Tensor, keys: Tensor, num_voxels: int) -> Tensor:
    """Outer product, then one scattered sum; returns (num_voxels, C). What plain PyTorch offers.

    ``keys`` holds the voxel of every point, ``num_voxels`` for points outside, whose sum is cut off.
    """
    values = outer_product(depth, feats)
    return values.new_zeros(num_voxels + 1, values.shape[1]).index_add(0, keys, values)[:-1]
