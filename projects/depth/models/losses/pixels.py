"""The pixels that a loss counts.

Shape letters: P picked pixels.
"""

import torch
from torch import Tensor

from projects.compute.precision import computed_dtype


def known_pixels(gt_depth: Tensor, min_depth: float, max_depth: float | None) -> Tensor:
    """Pixels whose true depth lies above ``min_depth`` and, where there is a ``max_depth``, not above it.

    Args:
        gt_depth (Tensor): True depth in metres, 0 = none. Any shape.
        min_depth (float): Metres, not negative.
        max_depth (float, optional): Metres; None for no limit.

    Returns:
        Tensor: Bool, same shape.
    """
    known = gt_depth > min_depth
    return known if max_depth is None else known & (gt_depth <= max_depth)


def pick_pixels(mask: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Values at the pixels of a mask, and the weight of each.

    On the CPU only these pixels are read. Of a GPU their number would have to be waited for: all pixels are kept there.

    Args:
        mask (Tensor): Pixels that count, bool. Any shape.
        tensors (Tensor): Of the shape of the mask, or with further dimensions behind it.

    Returns:
        tuple[Tensor, ...]: Each tensor as (P, ...), in the dtype of the first but at least float32, and the weights
        (P,), 1 or 0.
    """
    pick = select_pixels if mask.device.type == 'cpu' else weigh_pixels
    dtype = computed_dtype(tensors[0])
    *picked, weight = pick(mask, *tensors)
    return *(values.to(dtype) for values in picked), weight.to(dtype)


def select_pixels(mask: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
    """:func:`pick_pixels` by reading the pixels of the mask: P is their number, and every weight is 1."""
    picked = [tensor[mask] for tensor in tensors]
    return *picked, mask.new_ones(len(picked[0]))


def weigh_pixels(mask: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
    """:func:`pick_pixels` of all pixels: outside the mask the weight is 0, the value 1, and no gradient arrives."""
    picked = []
    for tensor in tensors:
        inside = mask.reshape(*mask.shape, *[1] * (tensor.dim() - mask.dim()))
        picked.append(torch.where(inside, tensor, torch.ones_like(tensor)).flatten(0, mask.dim() - 1))
    return *picked, mask.flatten()
