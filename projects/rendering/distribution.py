"""Where rays end, as distributions that can be compared.

Shape letters: R rays, S samples, ... any leading shape.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from projects.compute.precision import computed_dtype, full_precision

#: Smallest probability of a bin before it is renormalised (default, not from the paper).
MIN_PROBABILITY = 1e-6


def ray_distribution(weights: Tensor, eps: float = MIN_PROBABILITY) -> Tensor:
    r"""Ray termination distribution with a last bin for rays that hit nothing.

    .. math:: p \propto \max\big((w_1, \dots, w_S, 1 - \textstyle\sum_s w_s), \epsilon\big)

    Args:
        weights (Tensor): Weights of volume rendering, which sum to at most one. Shape (..., S).
        eps (float): Lower bound of a bin before renormalisation. Defaults to 1e-6.

    Returns:
        Tensor: Positive, sums to one. Shape (..., S + 1), at least float32. Differentiable where bins are above eps.
    """
    with full_precision(weights):
        weights = weights.to(computed_dtype(weights))
        no_hit = 1 - weights.sum(dim=-1, keepdim=True)
        clamped = torch.cat([weights, no_hit], dim=-1).clamp_min(eps)
        return clamped / clamped.sum(dim=-1, keepdim=True)


class _RayKL(torch.autograd.Function):
    """KL(T || S) per ray with its gradient in closed form, which is all that is saved.

    With c = max(bins of S, eps) and Z their sum, KL = sum_i t_i (log t_i - log c_i) + log Z, so
    dKL/dc_i = 1/Z - t_i/c_i, and the no-hit bin passes its own gradient on to every weight with a minus sign.
    """

    @staticmethod
    def forward(ctx: Any, student: Tensor, teacher: Tensor, eps: float) -> Tensor:
        target = ray_distribution(teacher, eps)
        bins = torch.cat([student, 1 - student.sum(dim=-1, keepdim=True)], dim=-1)
        clamped = bins.clamp_min(eps)
        total = clamped.sum(dim=-1, keepdim=True)
        ratio = target / clamped
        if ctx.needs_input_grad[0]:
            slope = (1 / total - ratio).mul_(bins > eps)
            ctx.save_for_backward(slope[..., :-1] - slope[..., -1:])
        return ratio.mul_(total).log_().mul_(target).sum(dim=-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        (slope,) = ctx.saved_tensors
        return slope * grad[..., None], None, None


def ray_kl_divergence(
    student_weights: Tensor, teacher_weights: Tensor, mask: Tensor | None = None, eps: float = MIN_PROBABILITY
) -> Tensor:
    r"""True KL divergence between the ray termination distributions of two renders along the same rays.

    .. math:: \frac{1}{|R|} \sum_r \mathrm{KL}(p^T_r \| p^S_r)
        = \frac{1}{|R|} \sum_r \sum_{i=1}^{S+1} p^T_{r,i} \log \frac{p^T_{r,i}}{p^S_{r,i}}

    Source: RadOcc, render depth consistency (RDC); bins, no-hit bin and clamp are defaults, not from the paper.

    Args:
        student_weights (Tensor): Shape (..., S).
        teacher_weights (Tensor): The target, without gradient. Shape (..., S).
        mask (Tensor, optional): Rays that count, bool, or their weights from 0 to 1. Shape (...). Defaults to all.
        eps (float): See :func:`ray_distribution`. Defaults to 1e-6.

    Returns:
        Tensor: Scalar, in nats per ray; 0 when no ray counts.

    Raises:
        ValueError: If the shapes differ.
    """
    if student_weights.shape != teacher_weights.shape:
        raise ValueError(
            f'student_weights {tuple(student_weights.shape)} and teacher_weights {tuple(teacher_weights.shape)} must '
            'come from the same rays and samples'
        )
    with full_precision(student_weights):
        dtype = computed_dtype(student_weights)
        per_ray = _RayKL.apply(student_weights.to(dtype), teacher_weights.detach().to(dtype), eps)
        if mask is None:
            return per_ray.mean() if per_ray.numel() else per_ray.sum()
        return (per_ray * mask).sum() / mask.sum().clamp_min(1)
