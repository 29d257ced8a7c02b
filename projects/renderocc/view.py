"""What a model sees along rays. B batch, R rays, S bins per ray, X/Y/Z voxels, K classes of which the last is free."""

from functools import cached_property

import torch
from torch import Tensor

from projects.compute.precision import computed_dtype, full_precision
from projects.rendering import RayBins, RaySamples, RenderedRays, optical_depths, render_occupancy_samples

from .targets import RayTargets

DENSITIES = ('log_odds', 'softplus_free')


def class_volume(logits: Tensor, density: str) -> Tensor:
    """Volume whose render is a mixture of class probabilities instead of logits.

    Args:
        logits (Tensor): Shape (B, X, Y, Z, K).
        density (str): 'log_odds': the last channel is the log-odds of free space; 'softplus_free': the free logit.

    Returns:
        Tensor: Probability of each class where there is matter, and the last channel. Same shape, at least float32.
    """
    with full_precision(logits):
        values = logits.to(computed_dtype(logits))
        matter, free = values[..., :-1], values[..., -1:]
        if density == 'log_odds':
            free = free - matter.logsumexp(dim=-1, keepdim=True)
        return torch.cat([matter.softmax(dim=-1), free], dim=-1)


class RayView:
    """Both renders of one volume along the rays of a batch, made when a loss asks for them.

    Args:
        volume (Tensor): Of :func:`class_volume`. Shape (B, X, Y, Z, K).
        samples (RaySamples): The prepared rays.
        targets (RayTargets): The same rays, with what is known of them.
        density_scale (float): Factor on the softplus of the last channel, negated: density per metre.
        semantics_threshold (float): Samples of smaller weight add nothing to the rendered classes.
    """

    def __init__(
        self,
        volume: Tensor,
        samples: RaySamples,
        targets: RayTargets,
        density_scale: float,
        semantics_threshold: float,
    ) -> None:
        self.volume, self.samples, self.targets = volume, samples, targets
        self.density_scale, self.semantics_threshold = density_scale, semantics_threshold

    @property
    def bins(self) -> RayBins:
        """The bins, with ``t_starts`` and ``t_ends`` in metres from the origin."""
        return self.samples

    @cached_property
    def optical(self) -> Tensor:
        """Optical depth at the edges of the bins. Shape (B, R, S + 1)."""
        return optical_depths(self.volume, self.samples, density_scale=self.density_scale)

    @cached_property
    def rendered(self) -> RenderedRays:
        """Render, in which ``semantics`` (B, R, K - 1) are probabilities that add up to about ``opacities``."""
        return render_occupancy_samples(
            self.volume,
            self.samples,
            density_scale=self.density_scale,
            semantics_threshold=self.semantics_threshold,
            with_weights=False,
        )
