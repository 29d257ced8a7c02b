"""Means over some of the values, as losses take them."""

import torch
from torch import Tensor

from .asynchronous import constant


def masked_mean(values: Tensor, mask: Tensor | None = None, trust: Tensor | None = None) -> Tensor:
    """Mean over the places of a mask, each weighted by a trust where there is one; a GPU is not waited for.

    Args:
        values (Tensor): May be NaN or infinite outside the mask. Any shape.
        mask (Tensor, optional): Places that count, bool. Same shape. Defaults to None: all.
        trust (Tensor, optional): Weights from 0 to 1, without gradient. Same shape. Defaults to None: all 1.

    Returns:
        Tensor: Scalar; 0 with a zero gradient when nothing counts. The sum of weights below 1 counts as 1.
    """
    if mask is not None:
        values = torch.where(mask, values, constant([0.0], values))
    if trust is None:
        return values.mean() if mask is None else values.sum() / mask.sum().clamp_min(1)
    weight = trust.detach().to(values.dtype)
    weight = weight if mask is None else weight * mask
    return (values * weight).sum() / weight.sum().clamp_min(1)
