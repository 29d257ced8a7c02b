"""Voxels of constant density in pure torch: rays cut at faces, and exact sums inside each piece.

Shape letters: B batch, R rays per batch element, N = B*R rays, S bins per ray, M pieces of rays, K classes, V voxels.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from projects.rendering.common.torch import sigmas_of_field
from projects.rendering.grid import VoxelGrid

from .pieces import VoxelPieces

#: Optical thickness under which a series replaces a difference that would cancel.
_SMALL = 0.1


def cut_with_torch(
    origins: Tensor, directions: Tensor, grid: VoxelGrid, enter: Tensor, leave: Tensor, packed: bool
) -> dict[str, Any]:
    """Cut rays at the faces of voxels, by sorting all of them.

    Args:
        origins (Tensor): Shape (B, R, 3).
        directions (Tensor): Shape (B, R, 3).
        grid (VoxelGrid): The voxels.
        enter (Tensor): Ray parameter at which the pieces begin, inside the grid. Shape (N,).
        leave (Tensor): Where they end; a ray with ``leave <= enter`` has none. Shape (N,).
        packed (bool): Keep pieces of some length only.

    Returns:
        dict: ``ray_offsets``, ``piece_voxel`` and ``piece_span`` of :class:`VoxelPieces`.
    """
    rays_per_batch = origins.shape[1]
    o, d = origins.flatten(0, 1), directions.flatten(0, 1)
    num_rays = o.shape[0]
    near, far = enter[:, None], torch.maximum(leave, enter)[:, None]
    cuts = [near, far]
    for axis in range(3):
        faces = grid.lower[axis] + grid.voxel_size[axis] * torch.arange(
            grid.shape[axis] + 1, device=o.device, dtype=o.dtype
        )
        moving = d[:, axis, None] != 0
        speed = torch.where(moving, d[:, axis, None], torch.ones_like(d[:, axis, None]))
        cuts.append(torch.where(moving, (faces - o[:, axis, None]) / speed, near))
    t = torch.minimum(torch.maximum(torch.cat(cuts, dim=1), near), far).sort(dim=1).values
    points = o[:, None] + (0.5 * (t[:, :-1] + t[:, 1:]))[..., None] * d[:, None]
    rows = torch.arange(num_rays, device=o.device)[:, None].div(rays_per_batch, rounding_mode='floor')
    for axis in range(3):
        cell = ((points[..., axis] - grid.lower[axis]) / grid.voxel_size[axis]).floor().long()
        rows = rows * grid.shape[axis] + cell.clamp(0, grid.shape[axis] - 1)
    span = torch.stack([t[:, :-1], t[:, 1:]], dim=-1)
    inside = t[:, 1:] > t[:, :-1]
    if packed:
        offsets = F.pad(inside.sum(dim=1).cumsum(0), (1, 0))
        kept = inside.flatten().nonzero().squeeze(1)
        voxel, span = rows.flatten().index_select(0, kept).int(), span.flatten(0, 1).index_select(0, kept)
    else:
        offsets = torch.arange(num_rays + 1, device=o.device) * inside.shape[1]
        voxel, span = rows.flatten().int(), span.flatten(0, 1)
    return {'ray_offsets': offsets, 'piece_voxel': voxel, 'piece_span': span}


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


def depths_at_edges(table: Tensor, passed: Tensor, spans: Tensor, pieces: VoxelPieces) -> Tensor:
    """Optical depth at the edges of bins (N, S + 1), exact: it is linear in a piece.

    Args:
        table (Tensor): Optical thickness of pieces. Shape (N, P), zero where a ray has fewer.
        passed (Tensor): Its sum before each piece and after the last. Shape (N, P + 1).
        spans (Tensor): Start and end of each piece. Shape (N, P, 2), infinite where a ray has fewer.
        pieces (VoxelPieces): The bins.
    """
    edges = torch.cat([pieces.t_starts, pieces.t_ends[:, -1:]], dim=1).to(table.dtype)
    edges = edges.expand(table.shape[0], -1).contiguous()
    starts, ends = (part.contiguous() for part in spans.unbind(-1))
    piece = torch.searchsorted(ends, edges).clamp(max=table.shape[1] - 1)
    start, end = starts.gather(1, piece), ends.gather(1, piece)
    share = ((edges - start) / (end - start)).clamp(0, 1)
    share = torch.where(end > start, share, torch.zeros_like(share))
    return passed.gather(1, piece) + table.gather(1, piece) * share


@dataclass(frozen=True)
class PieceTable:
    """Optical thickness of pieces, one row for each ray.

    Args:
        thickness (Tensor): Of each piece. Shape (M,).
        ray (Tensor): Ray of each piece. Shape (M,).
        slot (Tensor, optional): Place of each piece in the flat table; None where all are there.
        table (Tensor): Thickness by ray, zero where a ray has fewer pieces. Shape (N, P).
        spans (Tensor): Start and end of each piece, infinite where a ray has fewer. Shape (N, P, 2).
    """

    thickness: Tensor
    ray: Tensor
    slot: Tensor | None
    table: Tensor
    spans: Tensor


def tabulate_pieces(field: Tensor, pieces: VoxelPieces, softplus: bool, density_scale: float) -> PieceTable:
    """Optical thickness of the pieces of each ray; arguments as of :func:`render_pieces_with_torch`."""
    sigma = sigmas_of_field(field[pieces.piece_voxel], softplus, density_scale)
    lengths = pieces.ray_lengths.flatten().to(sigma.dtype)
    num_rays = lengths.shape[0]
    spans = pieces.piece_span.to(sigma.dtype)
    starts, ends = spans.unbind(-1)
    rays = torch.arange(num_rays, device=sigma.device)
    if pieces.packed:
        per_ray = pieces.most_per_ray
        ray = rays.repeat_interleave(pieces.ray_offsets.diff(), output_size=len(starts))
        slot = ray * per_ray + torch.arange(len(ray), device=ray.device) - pieces.ray_offsets[ray]
        thickness = sigma * (ends - starts) * lengths[ray]
        table = thickness.new_zeros(num_rays * per_ray).index_copy(0, slot, thickness).view(num_rays, per_ray)
        spans = spans.new_full((num_rays * per_ray, 2), float('inf')).index_copy(0, slot, spans)
    else:
        per_ray, slot = len(starts) // num_rays, None
        ray = rays[:, None].expand(-1, per_ray).flatten()
        thickness = sigma * (ends - starts) * lengths[ray]
        table = thickness.view(num_rays, per_ray)
    return PieceTable(thickness, ray, slot, table, spans.view(num_rays, per_ray, 2))


def render_pieces_with_torch(
    rows: Tensor, field: Tensor, pieces: VoxelPieces, softplus: bool, density_scale: float, threshold: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Render logits along pieces; the reference of the other back ends. Arguments and result as of the trilinear twin.

    Inside a piece from t_0 to t_1 the expected depth is in closed form: t_0 T_0 - t_1 T_1 + (T_0 - T_1) / sigma.
    """
    found = tabulate_pieces(field, pieces, softplus, density_scale)
    thickness, table = found.thickness, found.table
    starts, ends = pieces.piece_span.to(thickness.dtype).unbind(-1)
    passed = F.pad(table.cumsum(dim=1), (1, 0))
    trans = torch.exp(-passed[:, :-1]).flatten()
    trans = trans if found.slot is None else trans[found.slot]
    weights = trans * -torch.expm1(-thickness)
    moments = weights * starts + trans * (ends - starts) * mean_offset(thickness)
    heavy = weights * (weights.detach() > threshold)
    semantics = F.embedding_bag(
        pieces.piece_voxel.long(),
        rows,
        pieces.ray_offsets,
        mode='sum',
        per_sample_weights=heavy,
        include_last_offset=True,
    )
    zero = weights.new_zeros(len(table))
    depth = depths_at_edges(table, passed, found.spans, pieces)
    return (
        torch.exp(-depth[:, :-1]) * -torch.expm1(-depth.diff(dim=1)),
        zero.index_add(0, found.ray, moments),
        semantics[:, :-1],
        zero.index_add(0, found.ray, weights),
    )
