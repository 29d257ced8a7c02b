"""Trilinear samples in pure torch: where they are, and their render.

Shape letters: B batch, R rays per batch element, N = B*R rays, S samples per ray, M kept samples, V rows of a flattened
volume, K classes, U cells.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from projects.compute.asynchronous import constant
from projects.rendering.common.torch import sigmas_of_field
from projects.rendering.grid import VoxelGrid
from projects.rendering.weights import render_weight_from_density

from .lookup import corner_offsets, corner_weights, locate_cells, lookup_scalar
from .samples import TrilinearSamples


def locate_with_torch(
    origins: Tensor,
    directions: Tensor,
    grid: VoxelGrid,
    mids: Tensor,
    near: Tensor,
    far: Tensor,
    align_corners: bool,
    packed: bool,
) -> dict[str, Any]:
    """Samples in the middle of bins and the cells in which they are.

    Args:
        origins (Tensor): Shape (B, R, 3).
        directions (Tensor): Shape (B, R, 3).
        grid (VoxelGrid): The voxels.
        mids (Tensor): Middles of the bins in ray parameter. Shape (1, S) or (N, S).
        near (Tensor): Where rays enter the grid. Shape (N,).
        far (Tensor): Where they leave it. Shape (N,).
        align_corners (bool): See :meth:`VoxelGrid.world_to_voxel`.
        packed (bool): Keep samples inside the grid only.

    Returns:
        dict: ``ray_offsets``, ``sample_index``, ``sample_base``, ``sample_frac`` and ``sample_inside`` of
        :class:`TrilinearSamples`.
    """
    batch, rays_per_batch = origins.shape[:2]
    num_rays, num_samples = batch * rays_per_batch, mids.shape[1]
    inside = (mids >= near[:, None]) & (mids < far[:, None])
    if packed:
        index = inside.flatten().nonzero().squeeze(1)
        counts = inside.sum(dim=1)
    else:
        index = torch.arange(num_rays * num_samples, device=origins.device)
        counts = torch.full((num_rays,), num_samples, device=origins.device)
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    ray = torch.div(index, num_samples, rounding_mode='floor')
    t = mids.expand(num_rays, num_samples).reshape(-1)[index]
    points = origins.reshape(-1, 3)[ray] + t[:, None] * directions.reshape(-1, 3)[ray]
    batch_index = torch.div(ray, rays_per_batch, rounding_mode='floor').to(torch.int32)
    base, frac = locate_cells(grid.world_to_voxel(points, align_corners), grid.shape, batch_index)
    places = {'ray_offsets': offsets, 'sample_index': index, 'sample_base': base, 'sample_frac': frac}
    return places if packed else {**places, 'sample_inside': inside.flatten()}


def sigmas_of_bins(
    field: Tensor, samples: TrilinearSamples, offsets: list[int], softplus: bool, density_scale: float
) -> Tensor:
    """Density per unit of ray parameter in each bin, (N, S), zero outside the grid; ``offsets`` lead to the corners."""
    lengths = samples.ray_lengths.flatten().to(field.dtype)
    num_rays, num_samples = lengths.shape[0], samples.num_samples
    interpolated = lookup_scalar(field, samples.sample_base, samples.sample_frac, offsets)
    sigma = sigmas_of_field(interpolated, softplus, density_scale)
    if samples.sample_inside is None:
        sigmas = sigma.new_zeros(num_rays * num_samples).index_copy(0, samples.sample_index, sigma)
    else:
        sigmas = sigma * samples.sample_inside
    # Density is per metre, so it is stretched by the metres in a unit of the ray parameter.
    return sigmas.view(num_rays, num_samples) * lengths[:, None]


def render_samples_with_torch(
    rows: Tensor,
    field: Tensor,
    samples: TrilinearSamples,
    grid_shape: Sequence[int],
    softplus: bool,
    density_scale: float,
    threshold: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Render logits along samples; the reference of the other back ends.

    Args:
        rows (Tensor): Logits. Shape (V, K), contiguous.
        field (Tensor): What the density is a function of. Shape (V,).
        samples (TrilinearSamples): Packed or not.
        grid_shape (Sequence[int]): (X, Y, Z).
        softplus (bool): Density is the softplus of the negative field, otherwise the negative field.
        density_scale (float): Factor on the density.
        threshold (float): Samples of smaller weight add nothing to the semantics.

    Returns:
        tuple[Tensor, Tensor, Tensor, Tensor]: ``weights`` (N, S), ``depths`` (N,), ``semantics`` (N, K - 1) and
        ``opacities`` (N,).
    """
    offsets = corner_offsets(grid_shape)
    sigmas = sigmas_of_bins(field, samples, offsets, softplus, density_scale)
    t_starts, t_ends = samples.t_starts.to(field.dtype), samples.t_ends.to(field.dtype)
    weights = render_weight_from_density(t_starts, t_ends, sigmas)[0]
    depths = (weights * (0.5 * (t_starts + t_ends))).sum(dim=-1)
    semantics = _accumulate_semantics(rows, weights, samples, offsets, threshold)
    return weights, depths, semantics[:, :-1], weights.sum(dim=-1)


def _accumulate_semantics(
    rows: Tensor, weights: Tensor, samples: TrilinearSamples, offsets: list[int], threshold: float
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


def _corners(base: Tensor, offsets: list[int]) -> Tensor:
    return (base[:, None] + constant(offsets, base)).flatten()


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
