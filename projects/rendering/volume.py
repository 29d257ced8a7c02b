"""Differentiable volume rendering of voxel logits.

Shape letters: B batch, R rays per batch element, N = B*R, S samples per ray, M samples inside the grid, X/Y/Z voxels,
V = B*X*Y*Z, K classes of which the last one is free space.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from projects.compute.precision import computed_dtype, full_precision
from projects.compute.tensors import is_fake, numba_usable, triton_usable

from .grid import VoxelGrid, corner_offsets, lookup_scalar
from .sampling import DEFAULT_STEP, DEFAULT_T_RANGE, RaySamples, prepare_ray_samples, uniform_samples
from .semantics import split_free, sum_rows, sum_rows_sparsely
from .voxel import render_voxels_with_torch

#: Samples lighter than this add nothing to the rendered semantics. It never touches the weights.
SEMANTICS_THRESHOLD = 1e-4


@dataclass(frozen=True)
class RenderedRays:
    r"""What rays see.

    Args:
        weights (Tensor): Probability that the ray ends in each sample. Shape (B, R, S).
        depths (Tensor): :math:`\sum_s w_s t_s` in units of the ray parameter (z-depth in metres). Rays that pass
            through count with depth 0 for the rest; divide by ``opacities`` for the mean over what was hit. (B, R).
        semantics (Tensor): Weighted sum of the raw logits of the K - 1 occupied classes. Shape (B, R, K - 1).
        opacities (Tensor): Sum of the weights. Shape (B, R).
    """

    weights: Tensor
    depths: Tensor
    semantics: Tensor
    opacities: Tensor

    def as_dict(self) -> dict[str, Tensor]:
        """The tensors by name."""
        return dict(vars(self))


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

    Example:
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


DENSITIES = ('softplus_free', 'log_odds', 'prob')


def render_occupancy_samples(
    logits: Tensor,
    samples: RaySamples,
    voxel_size: float = 0.4,
    density: str = 'softplus_free',
    density_scale: float = 1.0,
    semantics_threshold: float = SEMANTICS_THRESHOLD,
    with_weights: bool = True,
) -> RenderedRays:
    r"""Render voxel logits along prepared rays.

    With :math:`l(x)` the trilinearly interpolated logits, the density is :math:`\sigma = \mathrm{softplus}(-l_{free})`
    per metre along the ray and the semantics are the raw logits of the other classes:
    :math:`S = \sum_s w_s\, l_{0..K-2}(x_s)`. Outside the grid the density is zero.

    Source: RadOcc's renderer as in the author's code; see the README of ``projects.radocc``.

    Args:
        logits (Tensor): Class logits, channel last, free space last. Shape (B, X, Y, Z, K).
        samples (RaySamples): Output of :func:`prepare_ray_samples` on the grid of the logits. Render several volumes
            with one object to compare them along the same rays.
        voxel_size (float): Metres; used by ``density='prob'`` only. Defaults to 0.4.
        density (str): 'softplus_free' (above); 'log_odds': the same with the log-odds of free space, the free logit
            minus the log-sum-exp of the others, in place of the free logit; or 'prob': the free log-probability is
            interpolated and a path of one voxel ends with the probability of being occupied. The last two do not
            change when a constant is added to all logits of a voxel, which cross-entropy leaves undetermined.
            Defaults to 'softplus_free'.
        density_scale (float): Factor on the density. Defaults to 1.0.
        semantics_threshold (float): Samples of smaller weight add nothing to the semantics. Defaults to 1e-4.
        with_weights (bool): False leaves the weights out, as a tensor of shape (B, R, 0). Defaults to True.

    Returns:
        RenderedRays: In float32 (float64 for float64 logits). Differentiable in ``logits``.

    Raises:
        ValueError: If the logits do not fit the samples, or the density mode is unknown.
    """
    _check(logits, samples, density)
    with full_precision(logits):
        # The numba kernels read bfloat16 as it is.
        values = logits if logits.dtype == torch.bfloat16 else logits.to(computed_dtype(logits))
        fused = samples.sample_inside is None and numba_usable(values, samples.sample_frac, bfloat16=True)
        values = (values if fused else values.to(computed_dtype(values))).contiguous()
        rows = values.view(-1, values.shape[-1])
        if fused:
            from .fused import render_fused
            from .voxel_fused import render_voxels_fused

            if density == 'prob':
                density_scale /= voxel_size
            render = render_fused if samples.sample_span is None else render_voxels_fused
            parts = render(rows, samples, values.shape[1:4], density, density_scale, semantics_threshold, with_weights)
        else:
            field, rows = _density_field(rows, density, voxel_size)
            march = (rows, field, samples, values.shape[1:4], density != 'prob', density_scale, semantics_threshold)
            if _triton_marches(values, samples):
                from .triton_march import render_with_triton

                parts = render_with_triton(*march, with_weights)
            else:
                parts = _render_with_torch(*march)
                if not with_weights:
                    parts = (parts[0][:, :0], *parts[1:])
    shape = tuple(samples.ray_lengths.shape)
    weights, depths, semantics, opacities = (part.reshape(shape + tuple(part.shape[1:])) for part in parts)
    return RenderedRays(weights, depths, semantics, opacities)


def _triton_marches(values: Tensor, samples: RaySamples) -> bool:
    """Whether the Triton march takes these; it adds with atomics, so not when results must repeat bit by bit."""
    return (
        samples.sample_inside is None
        and samples.sample_span is None
        and not torch.are_deterministic_algorithms_enabled()
        and triton_usable(values, samples.sample_frac)
    )


def _density_field(rows: Tensor, density: str, voxel_size: float) -> tuple[Tensor, Tensor]:
    """Scalar field that is interpolated for the density, (V,), and the rows for the semantics."""
    if density == 'softplus_free':
        return split_free(rows)
    if density == 'log_odds':
        return rows[:, -1] - torch.logsumexp(rows[:, :-1], dim=-1), rows
    return torch.log_softmax(rows, dim=-1)[:, -1] / voxel_size, rows


def _check(logits: Tensor, samples: RaySamples, density: str) -> None:
    if density not in DENSITIES:
        raise ValueError(f'density must be one of {DENSITIES}, got {density!r}')
    if logits.dim() != 5 or logits.shape[0] != samples.ray_lengths.shape[0]:
        raise ValueError(
            f'logits must be (B, X, Y, Z, K) with B = {samples.ray_lengths.shape[0]} as the rays, got '
            f'{tuple(logits.shape)}'
        )
    shape = samples.grid_shape
    if shape.device.type == 'cpu' and not is_fake(shape) and tuple(logits.shape[1:4]) != tuple(shape.tolist()):
        raise ValueError(f'the rays were prepared for a grid {tuple(shape.tolist())}, got logits {tuple(logits.shape)}')


def _render_with_torch(
    rows: Tensor,
    field: Tensor,
    samples: RaySamples,
    grid_shape: torch.Size,
    softplus: bool,
    density_scale: float,
    threshold: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    if samples.sample_span is not None:
        values = field[samples.sample_base]
        sigma = density_scale * (F.softplus(-values) if softplus else -values)
        return render_voxels_with_torch(rows, sigma, samples, threshold)
    offsets = corner_offsets(grid_shape)
    lengths = samples.ray_lengths.flatten().to(field.dtype)
    num_rays, num_samples = lengths.shape[0], samples.num_samples
    interpolated = lookup_scalar(field, samples.sample_base, samples.sample_frac, offsets)
    sigma = density_scale * (F.softplus(-interpolated) if softplus else -interpolated)
    if samples.sample_inside is None:
        sigmas = sigma.new_zeros(num_rays * num_samples).index_copy(0, samples.sample_index, sigma)
    else:
        sigmas = sigma * samples.sample_inside
    # Density is per metre, so it is stretched by the metres in a unit of the ray parameter.
    sigmas = sigmas.view(num_rays, num_samples) * lengths[:, None]
    t_starts, t_ends = samples.t_starts.to(field.dtype), samples.t_ends.to(field.dtype)
    weights = render_weight_from_density(t_starts, t_ends, sigmas)[0]
    depths = (weights * (0.5 * (t_starts + t_ends))).sum(dim=-1)
    semantics = _accumulate_semantics(rows, weights, samples, offsets, threshold)
    return weights, depths, semantics[:, :-1], weights.sum(dim=-1)


def _accumulate_semantics(
    rows: Tensor, weights: Tensor, samples: RaySamples, offsets: list[int], threshold: float
) -> Tensor:
    """Second pass: read the K logits only where a sample is heavy enough to matter."""
    sample_weights = weights.flatten()[samples.sample_index]
    heavy = sample_weights.detach() > threshold
    base, frac, ends = samples.sample_base, samples.sample_frac, samples.ray_offsets
    if samples.sample_inside is None:
        keep = heavy.nonzero().squeeze(1)
        base, frac, sample_weights = base[keep], frac[keep], sample_weights[keep]
        kept_before = F.pad(heavy.cumsum(0), (1, 0))
        return sum_rows_sparsely(rows, sample_weights, base, frac, kept_before[ends], offsets)
    return sum_rows(rows, sample_weights * heavy, base, frac, ends, offsets)


def render_occupancy_rays(
    logits: Tensor,
    rays_o: Tensor,
    rays_d: Tensor,
    grid: VoxelGrid,
    t_range: tuple[float, float] = DEFAULT_T_RANGE,
    step: float = DEFAULT_STEP,
    density: str = 'softplus_free',
    density_scale: float = 1.0,
    semantics_threshold: float = SEMANTICS_THRESHOLD,
    align_corners: bool = False,
    chunk: int | None = None,
    field: str = 'trilinear',
    with_weights: bool = True,
) -> RenderedRays:
    """Prepare rays and render voxel logits along them; to render twice, prepare once instead.

    Args:
        logits (Tensor): Shape (B, X, Y, Z, K), free space last.
        rays_o (Tensor): Shape (B, R, 3).
        rays_d (Tensor): Shape (B, R, 3).
        grid (VoxelGrid): Where the logits are.
        t_range (tuple[float, float]): Range of the ray parameter in metres. Defaults to (0, 57.4).
        step (float): Length of a sample in ray parameter. Defaults to 0.2.
        density (str): See :func:`render_occupancy_samples`.
        density_scale (float): See :func:`render_occupancy_samples`.
        semantics_threshold (float): See :func:`render_occupancy_samples`.
        align_corners (bool): See :meth:`VoxelGrid.world_to_voxel`. Defaults to False.
        chunk (int, optional): Render this many rays per batch element at a time to bound memory. Defaults to all.
        field (str): 'trilinear' or 'voxel', see :func:`prepare_ray_samples`. Defaults to 'trilinear'.
        with_weights (bool): See :func:`render_occupancy_samples`.

    Returns:
        RenderedRays: See there.
    """
    grid.check_volume('logits', logits)
    t_starts, t_ends = uniform_samples(t_range, step, device=rays_o.device)
    size = chunk or max(rays_o.shape[1], 1)
    parts = []
    for begin in range(0, max(rays_o.shape[1], 1), size):
        piece = slice(begin, begin + size)
        rays = (rays_o[:, piece], rays_d[:, piece])
        samples = prepare_ray_samples(*rays, grid, t_starts, t_ends, align_corners, field=field)
        options = (min(grid.voxel_size), density, density_scale, semantics_threshold, with_weights)
        parts.append(render_occupancy_samples(logits, samples, *options).as_dict())
    return RenderedRays(**{name: torch.cat([part[name] for part in parts], dim=1) for name in parts[0]})
