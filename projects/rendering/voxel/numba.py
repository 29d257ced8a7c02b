"""Voxels of constant density with numba: rays cut at faces, and their render. Imported on first use only."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from projects.compute.precision import computed_dtype
from projects.compute.threads import run_over_range
from projects.rendering.common.numba import (
    empty_render,
    finish_gradients,
    numpy_view,
    scatter_over_planes,
    touched_field,
    zeros_in_large_pages,
)
from projects.rendering.common.numba_math import DENSITY_FIELDS
from projects.rendering.grid import VoxelGrid

from . import numba_kernels, numba_walk
from .pieces import VoxelPieces


def cut_with_numba(
    origins: Tensor, directions: Tensor, grid: VoxelGrid, enter: Tensor, leave: Tensor
) -> dict[str, Any]:
    """As ``torch.cut_with_torch``, packed, by walking from voxel to voxel; some pieces may have no length."""
    num_rays = enter.shape[0]
    rays = (
        origins.reshape(-1, 3).contiguous().numpy(),
        directions.reshape(-1, 3).contiguous().numpy(),
        enter.double().numpy(),
        leave.double().numpy(),
        torch.tensor(grid.lower, dtype=torch.float64).numpy(),
        torch.tensor(grid.voxel_size, dtype=torch.float64).numpy(),
        grid.shape,
    )
    offsets = torch.zeros(num_rays + 1, dtype=torch.int64)
    run_over_range(numba_walk.count_pieces, num_rays, *rays, offsets.numpy())
    offsets = offsets.cumsum(0)
    base = torch.empty(int(offsets[-1]), dtype=torch.int32)
    span = torch.empty(len(base), 2, dtype=origins.dtype)
    pieces = (part.numpy() for part in (offsets, base, span))
    run_over_range(numba_walk.walk_voxels, num_rays, *rays, origins.shape[1], *pieces)
    return {'ray_offsets': offsets, 'piece_voxel': base, 'piece_span': span}


def render_pieces_with_numba(
    rows: Tensor,
    pieces: VoxelPieces,
    grid_shape: Sequence[int],
    density: str,
    density_scale: float,
    threshold: float,
    with_weights: bool = True,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Same as ``torch.render_pieces_with_torch``, on the CPU, for packed pieces; arguments as of the trilinear twin."""
    dtype = computed_dtype(rows)
    floats = (pieces.piece_span, pieces.t_starts, pieces.t_ends, pieces.ray_lengths.flatten())
    geometry = (
        numpy_view(pieces.ray_offsets),
        numpy_view(pieces.piece_voxel),
        *(numpy_view(part.to(dtype)) for part in floats),
    )
    # Scalars in the dtype of the arrays: numba would compute in float64 otherwise.
    scalars = (DENSITY_FIELDS[density], *numpy_view(torch.tensor([density_scale, threshold], dtype=dtype)))
    num_weights = pieces.num_samples if with_weights else 0
    return _RenderVoxels.apply(rows, geometry, tuple(grid_shape), scalars, num_weights)


class _RenderVoxels(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, geometry: tuple, grid_shape: tuple[int, ...], scalars: tuple, num_weights: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        num_rays = len(geometry[0]) - 1
        outputs = empty_render(rows, num_rays, num_weights)
        field = touched_field(rows, geometry[1], (), scalars[0])
        arguments = (field, numpy_view(rows), *geometry, *scalars)
        run_over_range(numba_kernels.voxel_forward, num_rays, *arguments, *(output.numpy() for output in outputs))
        ctx.save_for_backward(rows, outputs[0])
        ctx.set_materialize_grads(False)
        ctx.field, ctx.geometry, ctx.scalars, ctx.grid_shape = field, geometry, scalars, grid_shape
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        rows, weights = ctx.saved_tensors
        logits, dtype = numpy_view(rows), computed_dtype(rows)
        offsets, base = ctx.geometry[:2]
        num_rays = len(offsets) - 1
        sizes = ((num_rays, 0), (num_rays,), (num_rays, rows.shape[1] - 1), (num_rays,))
        given = [
            numpy_view(torch.zeros(size, dtype=dtype) if grad is None else grad.to(dtype))
            for size, grad in zip(sizes, grads)
        ]
        has_semantics = grads[2] is not None
        sums = tuple(np.empty(base.shape, ctx.field.dtype) for _ in range(2))
        arguments = (ctx.field, logits, *ctx.geometry, *ctx.scalars, weights.numpy())
        run_over_range(numba_kernels.voxel_backward, num_rays, *arguments, *given, has_semantics, *sums)
        grad_rows = zeros_in_large_pages(rows)
        where = (numba_kernels.scatter_voxels, rows, ctx.grid_shape, offsets, base)
        scatter_over_planes(*where, *sums, given[2], has_semantics, grad_rows.numpy())
        return finish_gradients(grad_rows, rows, ctx.field, ctx.scalars[0]), None, None, None, None
