"""Losses between what is rendered along rays and where they ended. B batch, R rays, S bins, C = K - 1 classes."""

from collections.abc import Sequence

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.compute.means import masked_mean
from projects.compute.precision import computed_dtype, full_precision
from projects.occupancy.classes import UNLABELLED

from .view import RayView

_EPS = 1e-6


def end_bins(ends: Tensor, edges: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
    """Bins that hold the end of each ray, and what lies within ``tolerance`` of it.

    Args:
        ends (Tensor): Distance in metres, infinite for a ray that passes through. Shape (B, R).
        edges (Tensor): Edges of the bins in metres. Shape (1, S + 1), or (B * R, S + 1).
        tolerance (float): Metres.

    Returns:
        tuple[Tensor, Tensor]: Numbers of the edges before and after those bins, each (B, R), int64. Both are S where
        the end lies behind the last edge: the bin for rays that hit nothing.
    """
    last = edges.shape[1] - 1
    flat = ends.reshape(-1, 1).to(edges.dtype)
    rows = edges.expand(len(flat), -1).contiguous()
    before, inside, after = (
        torch.searchsorted(rows, (flat + shift).contiguous(), right=True).view(ends.shape)
        for shift in (-tolerance, 0.0, tolerance)
    )
    passes = inside > last
    first, stop = (before - 1).clamp(0, last), after.clamp(1, last)
    return torch.where(passes, last, first), torch.where(passes, last, stop)


def ray_end_nll(optical: Tensor, first: Tensor, stop: Tensor) -> Tensor:
    r"""Negative log-likelihood that a ray passes all bins before its end, and ends there.

    .. math:: -\log \sum_{s=a}^{b-1} w_s = \tau_a - \log(1 - e^{-(\tau_b - \tau_a)})

    That of a ray that hits nothing is :math:`\tau_S`. Taken of optical depths, so that matter in front of the end gets
    its gradient however opaque it is.

    Args:
        optical (Tensor): Optical depth at the edges of bins. Shape (B, R, S + 1).
        first (Tensor): Edge a. Shape (B, R).
        stop (Tensor): Edge b; equal to a for a ray that hits nothing. Shape (B, R).

    Returns:
        Tensor: In nats. Shape (B, R).
    """
    passed = optical.gather(-1, first[..., None]).squeeze(-1)
    inside = optical.gather(-1, stop[..., None]).squeeze(-1) - passed
    ending = -(-torch.expm1(-inside) + _EPS).log()
    return passed + torch.where(stop > first, ending, torch.zeros_like(ending))


def _ends_in_reach(view: RayView) -> Tensor:
    """Rays that end in the grid and before their last bin: those of neighbours may be longer. Shape (B, R), bool."""
    ends = view.targets.ends
    return view.targets.valid & (ends < view.bins.t_ends[:, -1].expand(ends.numel()).view(ends.shape))


@MODELS.register_module()
class RayEndLoss(nn.Module):
    """Mean of :func:`ray_end_nll`: free space in front of LiDAR returns, and matter at them.

    Source: default of this project; RenderOcc compares depths by :class:`RenderedSILogLoss`.

    Args:
        loss_weight (float): Defaults to 1.0.
        tolerance (float): Matter this far from the return, in metres, explains it as well. Defaults to 0.2, half a
            voxel of Occ3D. 0 is the bin of the return alone.
    """

    def __init__(self, loss_weight: float = 1.0, tolerance: float = 0.2) -> None:
        super().__init__()
        if tolerance < 0:
            raise ValueError(f'tolerance must not be negative, got {tolerance}')
        self.loss_weight, self.tolerance = loss_weight, tolerance

    def forward(self, view: RayView) -> Tensor:
        """Scalar; 0 with a zero gradient when there are no rays."""
        with full_precision(view.optical):
            edges = torch.cat([view.bins.t_starts, view.bins.t_ends[:, -1:]], dim=1)
            per_ray = ray_end_nll(view.optical, *end_bins(view.targets.ends, edges, self.tolerance))
            return self.loss_weight * masked_mean(per_ray, view.targets.valid)


def silog(depths: Tensor, ends: Tensor, mask: Tensor, focus: float = 0.85) -> Tensor:
    r"""Scale-invariant logarithmic error :math:`\sqrt{\overline{d^2} - f\, \overline{d}^2}` with d the log-ratio.

    Args:
        depths (Tensor): Positive. Shape (B, R).
        ends (Tensor): Positive where the mask is set. Shape (B, R).
        mask (Tensor): Rays that count. Shape (B, R), bool.
        focus (float): f; with 1 a common factor of all depths costs nothing. Defaults to 0.85.

    Returns:
        Tensor: Scalar; 0 with a zero gradient when the mask is empty.
    """
    ratio = depths.log() - torch.where(mask, ends, torch.ones_like(ends)).log()
    variance = masked_mean(ratio.square(), mask) - focus * masked_mean(ratio, mask).square()
    # The slope of the root is infinite at 0.
    return variance.clamp_min(_EPS**2).sqrt() * mask.any()


@MODELS.register_module()
class RenderedSILogLoss(nn.Module):
    """:func:`silog` of the mean distance at which rays end, over what was hit. Source: depth loss of RenderOcc.

    Args:
        loss_weight (float): Defaults to 1.0.
        focus (float): See :func:`silog`. Defaults to 0.85.
        min_depth (float): Smallest rendered distance in metres. Defaults to 0.1.
        min_opacity (float): Rays of smaller opacity do not count: they have no mean. Defaults to 0.01.
    """

    def __init__(
        self, loss_weight: float = 1.0, focus: float = 0.85, min_depth: float = 0.1, min_opacity: float = 0.01
    ) -> None:
        super().__init__()
        self.loss_weight, self.focus = loss_weight, focus
        self.min_depth, self.min_opacity = min_depth, min_opacity

    def forward(self, view: RayView) -> Tensor:
        """Scalar; 0 with a zero gradient when no ray ends in the grid."""
        rendered, targets = view.rendered, view.targets
        with full_precision(rendered.depths):
            depths = rendered.depths / rendered.opacities.clamp_min(self.min_opacity)
            mask = _ends_in_reach(view) & (rendered.opacities.detach() >= self.min_opacity)
            return self.loss_weight * silog(depths.clamp_min(self.min_depth), targets.ends, mask, self.focus)


def rendered_class_nll(semantics: Tensor, classes: Tensor) -> Tensor:
    """Negative log-probability of the class at which a ray ends, given that it ends.

    Args:
        semantics (Tensor): Class probabilities, mixed with the weights of the ray. Shape (B, R, C).
        classes (Tensor): Ids; 255 = unknown. Shape (B, R), int64.

    Returns:
        Tensor: 0 where the class is unknown. Shape (B, R).
    """
    known = classes != UNLABELLED
    index = torch.where(known, classes, torch.zeros_like(classes))[..., None]
    smoothed = semantics + _EPS
    log_share = smoothed.gather(-1, index).squeeze(-1).log() - smoothed.sum(dim=-1).log()
    return torch.where(known, -log_share, torch.zeros_like(log_share))


@MODELS.register_module()
class RenderedClassLoss(nn.Module):
    """Cross-entropy of the rendered mixture of class probabilities (not of logits), over rays of known class.

    Source: semantic loss of RenderOcc, which mixes logits.

    Args:
        loss_weight (float): Defaults to 1.0.
        class_weight (Sequence[float], optional): Weight of each of the C classes, also in the mean. Defaults to None.
    """

    class_weight: Tensor | None

    def __init__(self, loss_weight: float = 1.0, class_weight: Sequence[float] | None = None) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        weight = None if class_weight is None else torch.tensor(class_weight, dtype=torch.float32)
        self.register_buffer('class_weight', weight, persistent=False)

    def forward(self, view: RayView) -> Tensor:
        """Scalar; 0 with a zero gradient when no class is known."""
        targets, semantics = view.targets, view.rendered.semantics
        with full_precision(semantics):
            per_ray = rendered_class_nll(semantics.to(computed_dtype(semantics)), targets.classes)
            mask = _ends_in_reach(view) & (targets.classes != UNLABELLED)
            if self.class_weight is None:
                return self.loss_weight * masked_mean(per_ray, mask)
            weight = self.class_weight[torch.where(mask, targets.classes, torch.zeros_like(targets.classes))] * mask
            return self.loss_weight * (per_ray * weight).sum() / weight.sum().clamp_min(_EPS)
