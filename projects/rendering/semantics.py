"""Weighted sums of interpolated rows along rays, in pure torch.

Shape letters: N rays, M samples, V rows of a flattened volume, K columns, U cells.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .grid import corner_weights


def _corners(base: Tensor, offsets: list[int]) -> Tensor:
    return (base[:, None] + base.new_tensor(offsets)).flatten()


def sum_rows(
    rows: Tensor, weights: Tensor, base: Tensor, frac: Tensor, ray_offsets: Tensor, offsets: list[int]
) -> Tensor:
    """Sum of the trilinear rows at the samples of each ray, times their weights; by torch's own gradient.

    Args:
        rows (Tensor): Shape (V, K).
        weights (Tensor): Shape (M,).
        base (Tensor): First corner of each sample. Shape (M,).
        frac (Tensor): Position inside the cell. Shape (M, 3).
        ray_offsets (Tensor): Where the samples of each ray begin. Shape (N + 1,).
        offsets (list[int]): Output of :func:`corner_offsets`.

    Returns:
        Tensor: Shape (N, K).
    """
    amounts = corner_weights(frac.to(rows.dtype)) * weights[:, None]
    corners, bags = _corners(base, offsets), (8 * ray_offsets).to(base.dtype)
    return F.embedding_bag(
        corners, rows, bags, mode='sum', per_sample_weights=amounts.flatten(), include_last_offset=True
    )


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
    slice would fill and add a second volume. The sums of this module make the gradient that is written to.
    """
    return _SplitFree.apply(rows)


class _SumRows(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, weights: Tensor, base: Tensor, frac: Tensor, ray_offsets: Tensor, offsets: list[int]
    ) -> Tensor:
        ctx.save_for_backward(rows, weights, base, frac, ray_offsets)
        ctx.offsets = offsets
        return sum_rows(rows, weights, base, frac, ray_offsets, offsets)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        rows, weights, base, frac, ray_offsets = ctx.saved_tensors
        ray = torch.arange(len(grad), device=grad.device, dtype=base.dtype).repeat_interleave(ray_offsets.diff())
        corner = corner_weights(frac.to(rows.dtype))
        eights = torch.arange(0, 8 * len(base) + 1, 8, device=grad.device, dtype=base.dtype)
        options: dict[str, Any] = {'mode': 'sum', 'include_last_offset': True}
        grad_weights = None
        if ctx.needs_input_grad[1]:
            corners = _corners(base, ctx.offsets)
            looked_up = F.embedding_bag(corners, rows, eights, per_sample_weights=corner.flatten(), **options)
            grad_weights = looked_up.mul_(grad.index_select(0, ray)).sum(1)
        # Samples of one cell are added up first; sorting cells is an eighth of sorting corners.
        base, order = base.sort(stable=True)
        cells, counts = base.unique_consecutive(return_counts=True)
        cells, bags = cells.long(), F.pad(counts.cumsum(0), (1, 0)).to(base.dtype)
        amounts, ray = (corner.t() * weights).index_select(1, order), ray.index_select(0, order)
        grad_rows = torch.zeros_like(rows)
        for offset, amount in zip(ctx.offsets, amounts.unbind(0)):
            grad_rows.index_add_(
                0, cells + offset, F.embedding_bag(ray, grad, bags, per_sample_weights=amount, **options)
            )
        return grad_rows, grad_weights, None, None, None, None


def sum_rows_sparsely(
    rows: Tensor, weights: Tensor, base: Tensor, frac: Tensor, ray_offsets: Tensor, offsets: list[int]
) -> Tensor:
    """As :func:`sum_rows`, with a backward pass several times faster whose shapes depend on the data."""
    return _SumRows.apply(rows, weights, base, frac, ray_offsets, offsets)
