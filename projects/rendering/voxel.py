"""Torch render of voxels of constant density: exact sums inside each piece of a ray.

Shape letters: N rays, S bins per ray, M pieces of rays, K classes, V voxels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .sampling import RaySamples

#: Optical thickness under which a series replaces a difference that would cancel.
_SMALL = 0.1


def mean_offset(thickness: Tensor) -> Tensor:
    """Mean distance into a piece at which a ray ends in it, times its opacity, in lengths of the piece.

    (1 - (1 + s) exp(-s)) / s for optical thickness s, as a series where the difference would cancel.
    """
    small = thickness < _SMALL
    s = torch.where(small, torch.ones_like(thickness), thickness)
    closed = (1 - (1 + s) * torch.exp(-s)) / s
    s = torch.where(small, thickness, torch.zeros_like(thickness))
    series = s * (1 / 2 - s * (1 / 3 - s * (1 / 8 - s * (1 / 30 - s * (1 / 144 - s / 840)))))
    return torch.where(small, series, closed)


def render_voxels_with_torch(
    rows: Tensor, sigma: Tensor, samples: RaySamples, threshold: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights per bin (N, S), depths (N,), semantics (N, K - 1) and opacities (N,) of pieces of density ``sigma`` (M,).

    Inside a piece from t_0 to t_1 the expected depth is in closed form: t_0 T_0 - t_1 T_1 + (T_0 - T_1) / sigma.
    """
    lengths = samples.ray_lengths.flatten().to(sigma.dtype)
    num_rays, num_samples = lengths.shape[0], samples.num_samples
    ray = torch.div(samples.sample_index, num_samples, rounding_mode='floor')
    assert samples.sample_span is not None
    starts, ends = samples.sample_span.to(sigma.dtype).unbind(-1)
    thickness = sigma * (ends - starts) * lengths[ray]
    if samples.sample_inside is None:
        counts = samples.ray_offsets.diff()
        per_ray = int(counts.max()) if num_rays else 0
        slot = ray * per_ray + torch.arange(len(ray), device=ray.device) - samples.ray_offsets[ray]
        table = thickness.new_zeros(num_rays * per_ray).index_copy(0, slot, thickness).view(num_rays, per_ray)
    else:
        table, slot = thickness.view(num_rays, -1), None
    trans = torch.exp(-F.pad(table[:, :-1].cumsum(dim=1), (1, 0))).flatten() if table.numel() else thickness
    trans = trans if slot is None else trans[slot]
    weights = trans * -torch.expm1(-thickness)
    pieces = weights * starts + trans * (ends - starts) * mean_offset(thickness)
    heavy = weights * (weights.detach() > threshold)
    semantics = F.embedding_bag(
        samples.sample_base.long(),
        rows,
        samples.ray_offsets,
        mode='sum',
        per_sample_weights=heavy,
        include_last_offset=True,
    )
    zero = weights.new_zeros(num_rays)
    return (
        weights.new_zeros(num_rays * num_samples).index_add(0, samples.sample_index, weights).view(num_rays, -1),
        zero.index_add(0, ray, pieces),
        semantics[:, :-1],
        zero.index_add(0, ray, weights),
    )
