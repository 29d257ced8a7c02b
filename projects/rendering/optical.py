"""Optical depth along rays: how much matter a ray has passed, in the logarithm of what is left of it.

Shape letters: B batch, R rays per batch element, S bins per ray, X/Y/Z voxels, K classes of which the last one is free.
"""

import torch.nn.functional as F
from torch import Tensor

from projects.compute.precision import computed_dtype, full_precision

from .common.torch import density_field
from .render import check_logits
from .samples import RaySamples
from .trilinear.lookup import corner_offsets
from .trilinear.torch import sigmas_of_bins
from .voxel.pieces import VoxelPieces
from .voxel.rays import VoxelRays
from .voxel.torch import depths_at_edges, tabulate_pieces


def optical_depths(
    logits: Tensor,
    samples: RaySamples,
    voxel_size: float = 0.4,
    density: str = 'softplus_free',
    density_scale: float = 1.0,
) -> Tensor:
    r"""Optical depth at the edges of the bins of prepared rays.

    With :math:`\tau_s` at the start of bin s, the weights of :func:`render_occupancy_samples` are
    :math:`w_s = e^{-\tau_s} - e^{-\tau_{s+1}}`. Weights vanish behind the first matter, and with them their gradient;
    a logarithm of them that is taken of the optical depth does not.

    Args:
        logits (Tensor): Class logits, channel last, free space last. Shape (B, X, Y, Z, K).
        samples (RaySamples): Output of :func:`prepare_ray_samples` on the grid of the logits.
        voxel_size (float): See :func:`render_occupancy_samples`.
        density (str): See there.
        density_scale (float): See there.

    Returns:
        Tensor: Rises along the ray from 0. Shape (B, R, S + 1), float32 (float64 for float64 logits). Differentiable
        in ``logits``.

    Raises:
        ValueError: If the logits do not fit the samples, or the density mode is unknown.
    """
    check_logits(logits, samples, density)
    if isinstance(samples, VoxelRays):
        samples = samples.pieces
    with full_precision(logits):
        values = logits.to(computed_dtype(logits)).contiguous()
        field, _ = density_field(values.view(-1, values.shape[-1]), density, voxel_size)
        shading = (density != 'prob', density_scale)
        if isinstance(samples, VoxelPieces):
            found = tabulate_pieces(field, samples, *shading)
            passed = F.pad(found.table.cumsum(dim=1), (1, 0))
            depths = depths_at_edges(found.table, passed, found.spans, samples)
        else:
            sigmas = sigmas_of_bins(field, samples, corner_offsets(values.shape[1:4]), *shading)
            lengths = (samples.t_ends - samples.t_starts).to(sigmas.dtype)
            depths = F.pad((sigmas * lengths).cumsum(dim=1), (1, 0))
        return depths.view(*samples.ray_lengths.shape, -1)
