"""Differentiable volume rendering of voxel logits.

Shape letters: B batch, R rays per batch element, N = B*R, S bins per ray, X/Y/Z voxels, V = B*X*Y*Z, K
classes of which the last one is free space.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import torch
from torch import Tensor

from projects.compute.precision import computed_dtype, full_precision
from projects.compute.tensors import is_fake, numba_usable, triton_usable

from .bins import DEFAULT_STEP, DEFAULT_T_RANGE, uniform_samples
from .common.torch import density_field
from .grid import VoxelGrid
from .samples import RaySamples, prepare_ray_samples
from .trilinear.samples import TrilinearSamples
from .trilinear.torch import render_samples_with_torch
from .voxel.pieces import VoxelPieces
from .voxel.rays import VoxelRays
from .voxel.torch import render_pieces_with_torch

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
    check_logits(logits, samples, density)
    with full_precision(logits):
        march, values = _fused_march(samples, logits)
        values = values.contiguous()
        rows, grid_shape = values.view(-1, values.shape[-1]), values.shape[1:4]
        if march is not None:
            scale = density_scale / voxel_size if density == 'prob' else density_scale
            parts = march(rows, samples, grid_shape, density, scale, semantics_threshold, with_weights)
        else:
            field, rows = density_field(rows, density, voxel_size)
            shading = (density != 'prob', density_scale, semantics_threshold)
            if _triton_marches(samples, rows):
                from .trilinear.triton import render_samples_with_triton

                parts = render_samples_with_triton(rows, field, samples, grid_shape, *shading, with_weights)
            else:
                parts = _render_with_torch(rows, field, samples, grid_shape, *shading)
                parts = parts if with_weights else (parts[0][:, :0], *parts[1:])
    shape = tuple(samples.ray_lengths.shape)
    weights, depths, semantics, opacities = (part.reshape(shape + tuple(part.shape[1:])) for part in parts)
    return RenderedRays(weights, depths, semantics, opacities)


def _fused_march(
    samples: RaySamples, logits: Tensor
) -> tuple[Callable[..., tuple[Tensor, Tensor, Tensor, Tensor]] | None, Tensor]:
    """Kernels that find the density on the way, or None, and the logits as these (or all others) read them."""
    if isinstance(samples, VoxelRays):
        if not _triton_walks(logits):
            return None, logits.to(computed_dtype(logits))
        from .voxel.triton import render_voxels_with_triton

        return render_voxels_with_triton, logits
    # The numba kernels read bfloat16 as it is.
    values = logits if logits.dtype == torch.bfloat16 else logits.to(computed_dtype(logits))
    if samples.packed and numba_usable(values, samples.ray_lengths, bfloat16=True):
        return _render_with_numba, values
    return None, values.to(computed_dtype(values))


def _render_with_numba(
    rows: Tensor, samples: TrilinearSamples | VoxelPieces, grid_shape: Sequence[int], *shading: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    if isinstance(samples, VoxelPieces):
        from .voxel.numba import render_pieces_with_numba

        return render_pieces_with_numba(rows, samples, grid_shape, *shading)
    from .trilinear.numba import render_samples_with_numba

    return render_samples_with_numba(rows, samples, grid_shape, *shading)


def _render_with_torch(
    rows: Tensor, field: Tensor, samples: RaySamples, grid_shape: Sequence[int], *shading: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    if isinstance(samples, TrilinearSamples):
        return render_samples_with_torch(rows, field, samples, grid_shape, *shading)
    pieces = samples.pieces if isinstance(samples, VoxelRays) else samples
    return render_pieces_with_torch(rows, field, pieces, *shading)


def _triton_walks(logits: Tensor) -> bool:
    """Whether the Triton kernels of voxels take these logits; see :func:`_triton_marches`."""
    return not torch.are_deterministic_algorithms_enabled() and triton_usable(logits, half=True)


def _triton_marches(samples: RaySamples, rows: Tensor) -> TypeGuard[TrilinearSamples]:
    """Whether the Triton march takes these; it adds with atomics, so not when results must repeat bit by bit."""
    return (
        isinstance(samples, TrilinearSamples)
        and samples.packed
        and not torch.are_deterministic_algorithms_enabled()
        and triton_usable(rows, samples.sample_frac)
    )


def check_logits(logits: Tensor, samples: RaySamples, density: str) -> None:
    """Raise ValueError if logits do not fit the rays, or the density mode is unknown."""
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
