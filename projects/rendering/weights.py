"""Densities along rays to weights, and sums of weights.

Shape letters: S samples per ray, D values, ... any leading shape.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from projects.compute.precision import computed_dtype, full_precision


def render_weight_from_density(t_starts: Tensor, t_ends: Tensor, sigmas: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    r"""Turn densities along rays into the weights of volume rendering.

    .. math:: w_s = T_s \alpha_s, \quad \alpha_s = 1 - e^{-\sigma_s \delta_s}, \quad
        T_s = e^{-\sum_{j<s} \sigma_j \delta_j}

    Transmittance is accumulated in log space, and in float32 whatever the dtype of the input or autocast. The
    remaining transmittance is ``trans[..., -1] * (1 - alphas[..., -1])``, and the weights add up to one with it.

    Source: formula of NeRF (arXiv:2003.08934), Eq. 3, as RadOcc uses it.

    Args:
        t_starts (Tensor): Start of each sample along its ray. Shape (..., S), or broadcastable to it.
        t_ends (Tensor): End of each sample. Same shape as ``t_starts``.
        sigmas (Tensor): Density per unit of ``t``, non-negative. Shape (..., S).

    Returns:
        tuple[Tensor, Tensor, Tensor]: ``weights``, ``trans`` (before each sample) and ``alphas``, each (..., S), at
        least float32. Differentiable in all arguments.

    Raises:
        ValueError: If the shapes do not fit.

    Examples:
        >>> t = torch.tensor([[0., 1., 2.]])
        >>> render_weight_from_density(t[:, :-1], t[:, 1:], torch.full((1, 2), 1e3))[0]
        tensor([[1., 0.]])
    """
    if t_starts.shape != t_ends.shape or t_starts.shape[-1] != sigmas.shape[-1]:
        raise ValueError(
            f'sigmas {tuple(sigmas.shape)} must have as many samples as t_starts {tuple(t_starts.shape)} and t_ends '
            f'{tuple(t_ends.shape)}'
        )
    with full_precision(sigmas):
        dtype = computed_dtype(sigmas)
        thickness = sigmas.to(dtype) * (t_ends.to(dtype) - t_starts.to(dtype))
        # Shifting the inclusive sum, not subtracting: an opaque sample would cancel everything before it.
        trans = torch.exp(-F.pad(thickness[..., :-1].cumsum(dim=-1), (1, 0)))
        alphas = -torch.expm1(-thickness)
        return trans * alphas, trans, alphas


def accumulate_along_rays(weights: Tensor, values: Tensor | None = None) -> Tensor:
    r"""Weighted sum along rays: :math:`\sum_s w_s v_s`.

    Args:
        weights (Tensor): Shape (..., S).
        values (Tensor, optional): Shape (..., S, D). None stands for ones, which gives opacities.

    Returns:
        Tensor: Shape (..., D), with D = 1 when ``values`` is None.
    """
    if values is None:
        return weights.sum(dim=-1, keepdim=True)
    with full_precision(weights):
        return (weights[..., None] * values.to(weights.dtype)).sum(dim=-2)


def median_depths(weights: Tensor, t_starts: Tensor, t_ends: Tensor) -> Tensor:
    """Ray parameter at which half of the ray has ended, linear inside the sample; infinite when it never does.

    Unlike the mean it does not lie between two surfaces, so it is the depth to compare with a first hit. Not
    differentiable.

    Args:
        weights (Tensor): Shape (..., S).
        t_starts (Tensor): Shape (S,) or broadcastable to ``weights``.
        t_ends (Tensor): Like ``t_starts``.

    Returns:
        Tensor: Shape (...).
    """
    with torch.no_grad():
        weights, t_starts, t_ends = torch.broadcast_tensors(weights, t_starts, t_ends)
        reached = weights.cumsum(dim=-1)
        bin_index = (reached < 0.5).sum(dim=-1, keepdim=True).clamp(max=weights.shape[-1] - 1)
        inside = weights.gather(-1, bin_index)
        missing = 0.5 - (reached.gather(-1, bin_index) - inside)
        start, end = t_starts.gather(-1, bin_index), t_ends.gather(-1, bin_index)
        depth = start + (end - start) * (missing / inside.clamp_min(torch.finfo(inside.dtype).tiny)).clamp(0, 1)
        return torch.where(reached[..., -1:] < 0.5, torch.full_like(depth, float('inf')), depth).squeeze(-1)
