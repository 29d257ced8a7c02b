"""Densities of logits and sums of gradients in torch.

Shape letters: N rays, V rows of a flattened volume, K classes of which the last one is free space.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from projects.compute.precision import full_precision


def density_field(rows: Tensor, density: str, voxel_size: float) -> tuple[Tensor, Tensor]:
    """Scalar field that the density is a function of, (V,), and the rows for the semantics."""
    if density == 'softplus_free':
        return split_free(rows)
    if density == 'log_odds':
        return rows[:, -1] - torch.logsumexp(rows[:, :-1], dim=-1), rows
    return torch.log_softmax(rows, dim=-1)[:, -1] / voxel_size, rows


def sigmas_of_field(values: Tensor, softplus: bool, density_scale: float) -> Tensor:
    """Density per metre, from values of the field of :func:`density_field`: their softplus, negated, or as they are."""
    return density_scale * (F.softplus(-values) if softplus else -values)


class _SplitFree(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.shape = rows.shape
        return rows[:, -1].contiguous(), rows.view_as(rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_free: Tensor | None, grad_rows: Tensor | None) -> Tensor | None:  # type: ignore[override]
        if grad_free is None:
            return grad_rows
        if grad_rows is None:
            grad_rows = grad_free.new_zeros(ctx.shape)
        grad_rows[:, -1] += grad_free
        return grad_rows


def split_free(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The free logits (V,) as a copy, and the rows (V, K) for one more use.

    As ``rows[:, -1]``, except that the gradient of the free logits is added to that of the rows where it stands: a
    slice would fill and add a second volume. The sums of semantics make the gradient that is written to.
    """
    return _SplitFree.apply(rows)


def weighted_gradients(outputs: Sequence[Tensor], grads: Sequence[Tensor | None]) -> Tensor:
    """Sum over the samples of each ray of their weight times its gradient, from the four outputs. Shape (N,).

    What has no gradient (None) counts nothing. The kernels subtract from it as they march.
    """
    weights, depths, semantics, opacities = outputs
    with full_precision(depths):
        pairs = zip((weights, semantics), (grads[0], grads[2]))
        sums = [torch.linalg.vecdot(output, grad) for output, grad in pairs if grad is not None]
        total = sums[0] if sums else torch.zeros_like(depths)
        for further in sums[1:]:
            total += further
        for output, grad in zip((depths, opacities), (grads[1], grads[3])):
            if grad is not None:
                total.addcmul_(output, grad)
    return total
