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


def _bin_weights(table: Tensor, passed: Tensor, spans: Tensor, samples: RaySamples) -> Tensor:
    """Weights of bins (N, S), exact: T at one edge minus T at the next, where the optical depth is linear in a piece.

    Args:
        table (Tensor): Optical thickness of pieces. Shape (N, P), zero where a ray has fewer.
        passed (Tensor): Its sum before each piece and after the last. Shape (N, P + 1).
        spans (Tensor): Start and end of each piece. Shape (N, P, 2), infinite where a ray has fewer.
        samples (RaySamples): The bins.
    """
    edges = torch.cat([samples.t_starts, samples.t_ends[:, -1:]], dim=1).to(table.dtype)
    edges = edges.expand(table.shape[0], -1).contiguous()
    starts, ends = (part.contiguous() for part in spans.unbind(-1))
    piece = torch.searchsorted(ends, edges).clamp(max=table.shape[1] - 1)
    start, end = starts.gather(1, piece), ends.gather(1, piece)
    share = ((edges - start) / (end - start)).clamp(0, 1)
    share = torch.where(end > start, share, torch.zeros_like(share))
    depth = passed.gather(1, piece) + table.gather(1, piece) * share
    return torch.exp(-depth[:, :-1]) * -torch.expm1(-depth.diff(dim=1))


def render_voxels_with_torch(
    rows: Tensor, sigma: Tensor, samples: RaySamples, threshold: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights per bin (N, S), depths (N,), semantics (N, K - 1) and opacities (N,) of pieces of density ``sigma`` (M,).

    Inside a piece from t_0 to t_1 the expected depth is in closed form: t_0 T_0 - t_1 T_1 + (T_0 - T_1) / sigma.
    """
    lengths = samples.ray_lengths.flatten().to(sigma.dtype)
    num_rays = lengths.shape[0]
    assert samples.sample_span is not None
    spans = samples.sample_span.to(sigma.dtype)
    starts, ends = spans.unbind(-1)
    rays = torch.arange(num_rays, device=sigma.device)
    if samples.sample_inside is None:
        counts = samples.ray_offsets.diff()
        per_ray = max(1, int(counts.max())) if num_rays else 1
        ray = rays.repeat_interleave(counts)
        slot = ray * per_ray + torch.arange(len(ray), device=ray.device) - samples.ray_offsets[ray]
        thickness = sigma * (ends - starts) * lengths[ray]
        table = thickness.new_zeros(num_rays * per_ray).index_copy(0, slot, thickness).view(num_rays, per_ray)
        spans = spans.new_full((num_rays * per_ray, 2), float('inf')).index_copy(0, slot, spans)
    else:
        per_ray, slot = len(starts) // num_rays, None
        ray = rays[:, None].expand(-1, per_ray).flatten()
        thickness = sigma * (ends - starts) * lengths[ray]
        table = thickness.view(num_rays, per_ray)
    passed = F.pad(table.cumsum(dim=1), (1, 0))
    trans = torch.exp(-passed[:, :-1]).flatten()
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
        _bin_weights(table, passed, spans.view(num_rays, per_ray, 2), samples),
        zero.index_add(0, ray, pieces),
        semantics[:, :-1],
        zero.index_add(0, ray, weights),
    )
