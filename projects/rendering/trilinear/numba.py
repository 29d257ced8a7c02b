"""Trilinear samples with numba: lookup, density, transmittance and sums in one pass. Imported on first use only.

The render saves nothing per sample; its backward pass marches again, front to back.
"""

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
from projects.rendering.common.torch import weighted_gradients
from projects.rendering.grid import VoxelGrid

from . import numba_kernels
from .lookup import corner_offsets
from .samples import TrilinearSamples


def locate_with_numba(
    origins: Tensor,
    directions: Tensor,
    grid: VoxelGrid,
    mids: Tensor,
    near: Tensor,
    far: Tensor,
    align_corners: bool,
) -> dict[str, Any]:
    """As ``torch.locate_with_torch``, packed."""
    scale, offset = grid.affine(align_corners)
    num_rays = near.shape[0]
    rays = (mids.numpy(), near.numpy(), far.numpy())
    counts = torch.zeros(num_rays + 1, dtype=torch.int64)
    run_over_range(numba_kernels.count_inside, num_rays, *rays, counts.numpy())
    offsets = counts.cumsum(0)
    total = int(offsets[-1])
    index = torch.empty(total, dtype=torch.int64)
    base = torch.empty(total, dtype=torch.int32)
    frac = torch.empty(total, 3, dtype=origins.dtype)
    run_over_range(
        numba_kernels.locate_inside,
        num_rays,
        *rays,
        origins.reshape(-1, 3).contiguous().numpy(),
        directions.reshape(-1, 3).contiguous().numpy(),
        origins.new_tensor(scale).numpy(),
        origins.new_tensor(offset).numpy(),
        grid.shape,
        origins.shape[1],
        offsets.numpy(),
        index.numpy(),
        base.numpy(),
        frac.numpy(),
    )
    return {'ray_offsets': offsets, 'sample_index': index, 'sample_base': base, 'sample_frac': frac}


def render_samples_with_numba(
    rows: Tensor,
    samples: TrilinearSamples,
    grid_shape: Sequence[int],
    density: str,
    density_scale: float,
    threshold: float,
    with_weights: bool = True,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Same as ``torch.render_samples_with_torch``, on the CPU, for packed samples.

    ``density`` is one of ``numba_math.DENSITY_FIELDS``. Logits are float32, float64 or bfloat16, which is read as it
    is: a copy in float32 would take a third of the time of the march. Without ``with_weights`` the weights are (N, 0).
    """
    dtype = computed_dtype(rows)
    geometry = (
        numpy_view(samples.ray_offsets),
        numpy_view(samples.sample_index),
        numpy_view(samples.sample_base),
        numpy_view(samples.sample_frac.to(dtype)),
        numpy_view(samples.t_mids.to(dtype)),
        numpy_view((samples.t_ends - samples.t_starts).to(dtype)),
        numpy_view(samples.ray_lengths.flatten().to(dtype)),
    )
    # Scalars in the dtype of the arrays: numba would compute in float64 otherwise.
    scalars = (DENSITY_FIELDS[density], *numpy_view(torch.tensor([density_scale, threshold], dtype=dtype)))
    num_weights = samples.num_samples if with_weights else 0
    return _NumbaRender.apply(rows, geometry, tuple(grid_shape), scalars, num_weights)


class _RenderGradients:
    """Gradients of the four outputs as arrays, where those that are missing are empty or zero."""

    def __init__(self, outputs: Sequence[Tensor], grads: Sequence[Tensor | None]) -> None:
        weights, depths, semantics, opacities = outputs
        self.has_semantics = grads[2] is not None
        self.weights = numpy_view(weights[:, :0] if grads[0] is None else grads[0])
        self.depths, self.semantics, self.opacities = (
            numpy_view(torch.zeros_like(output) if grad is None else grad)
            for output, grad in zip((depths, semantics, opacities), grads[1:])
        )
        self.totals = numpy_view(weighted_gradients(outputs, grads))


class _NumbaRender(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, geometry: tuple, grid_shape: tuple[int, ...], scalars: tuple, num_weights: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        num_rays = geometry[0].shape[0] - 1
        outputs = empty_render(rows, num_rays, num_weights)
        corners = np.array(corner_offsets(grid_shape), dtype=np.int64)
        field = touched_field(rows, geometry[2], (corners[1], corners[2], corners[4]), scalars[0])
        ctx.march = (field, numpy_view(rows), corners, *geometry, *scalars)
        run_over_range(numba_kernels.march_forward, num_rays, *ctx.march, *(output.numpy() for output in outputs))
        ctx.save_for_backward(rows, *outputs)
        ctx.set_materialize_grads(False)
        ctx.corners, ctx.grid_shape = corners, grid_shape
        ctx.offsets, ctx.base, ctx.frac = geometry[0], geometry[2], geometry[3]
        ctx.field, ctx.mode = field, scalars[0]
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        rows, *outputs = ctx.saved_tensors
        grad = _RenderGradients(outputs, grads)
        sample_weights, grad_values = (np.zeros(ctx.base.shape, dtype=ctx.frac.dtype) for _ in range(2))
        run_over_range(
            numba_kernels.march_backward,
            ctx.offsets.shape[0] - 1,
            *ctx.march,
            grad.weights,
            grad.depths,
            grad.semantics,
            grad.opacities,
            grad.totals,
            grad.has_semantics,
            sample_weights,
            grad_values,
        )
        grad_rows = zeros_in_large_pages(rows)
        sums = (sample_weights, grad_values, grad.semantics, grad.has_semantics, grad_rows.numpy())
        where = (ctx.corners, ctx.offsets, ctx.base, ctx.frac)
        scatter_over_planes(numba_kernels.scatter_gradients, rows, ctx.grid_shape, *where, *sums)
        return finish_gradients(grad_rows, rows, ctx.field, ctx.mode), None, None, None, None
