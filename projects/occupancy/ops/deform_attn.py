"""Weighted reading of feature maps at any place: what deformable attention does with its offsets and weights.

Shape letters: B batch, Q queries, H heads, C channels, L levels, P points, V cells of all levels.
"""

from collections.abc import Sequence

import torch
from mmcv.ops import get_compiling_cuda_version
from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction, multi_scale_deformable_attn_pytorch
from torch import Tensor

from projects.compute.asynchronous import constant
from projects.compute.precision import full_precision


def deformable_sample(value: Tensor, shapes: Sequence[tuple[int, int]], locations: Tensor, weights: Tensor) -> Tensor:
    """Sum of interpolated features over levels and points, in float32.

    On CUDA mmcv's kernel runs where mmcv was built with it; everywhere else mmcv's PyTorch version, which holds the
    features of all points at a time. That version runs as well where algorithms shall repeat: the kernel adds gradients
    in any order and does not say so, and PyTorch warns.

    Args:
        value (Tensor): Features of all levels, one after the other, row by row. Shape (B, V, H, C / H).
        shapes (Sequence[tuple[int, int]]): Height and width of each level.
        locations (Tensor): Where to read, as (x, y) in image sizes: (0, 0) is the outer corner of the first cell,
            (1, 1) that of the last. Zeros lie outside. Shape (B, Q, H, L, P, 2).
        weights (Tensor): Weight of each point. Shape (B, Q, H, L, P).

    Returns:
        Tensor: Shape (B, Q, C).
    """
    with full_precision(value):
        value, locations, weights = value.float(), locations.float(), weights.float()
        if not _kernel_runs(value):
            return multi_scale_deformable_attn_pytorch(value, shapes, locations, weights)
        sizes = constant([side for shape in shapes for side in shape], value, torch.int64).view(-1, 2)
        starts = torch.cat([sizes.new_zeros(1), sizes.prod(1).cumsum(0)[:-1]])
        return MultiScaleDeformableAttnFunction.apply(
            value.contiguous(), sizes, starts, locations.contiguous(), weights.contiguous(), len(value)
        )


def _kernel_runs(value: Tensor) -> bool:
    """Whether mmcv's kernel takes these features."""
    repeats = torch.are_deterministic_algorithms_enabled()
    return value.is_cuda and not repeats and get_compiling_cuda_version() != 'not available'
