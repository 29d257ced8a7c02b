"""Autograd function around the numba kernels of voxels of constant density."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from projects.compute.precision import computed_dtype
from projects.compute.threads import run_over_range

from .fused import (
    empty_render,
    finish_gradients,
    numpy_view,
    scatter_over_planes,
    touched_field,
    zeros_in_large_pages,
)
from .sampling import RaySamples


def render_voxels_fused(
    rows: Tensor,
    samples: RaySamples,
    grid_shape: Sequence[int],
    density: str,
    density_scale: float,
    threshold: float,
    with_weights: bool = True,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Same as ``voxel.render_voxels_with_torch``, on the CPU, for packed samples; see ``fused.render_fused``."""
    from .kernel_math import DENSITY_FIELDS

    assert samples.sample_span is not None
    dtype = computed_dtype(rows)
    floats = (samples.sample_span, samples.t_starts, samples.t_ends, samples.ray_lengths.flatten())
    geometry = (
        numpy_view(samples.ray_offsets),
        numpy_view(samples.sample_base),
        *(numpy_view(part.to(dtype)) for part in floats),
    )
    # Scalars in the dtype of the arrays: numba would compute in float64 otherwise.
    scalars = (DENSITY_FIELDS[density], *numpy_view(torch.tensor([density_scale, threshold], dtype=dtype)))
    num_weights = samples.num_samples if with_weights else 0
    return _RenderVoxels.apply(rows, geometry, tuple(grid_shape), scalars, num_weights)


class _RenderVoxels(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, geometry: tuple, grid_shape: tuple[int, ...], scalars: tuple, num_weights: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        from . import voxel_kernels

        num_rays = len(geometry[0]) - 1
        outputs = empty_render(rows, num_rays, num_weights)
        field = touched_field(rows, geometry[1], (), scalars[0])
        arguments = (field, numpy_view(rows), *geometry, *scalars)
        run_over_range(voxel_kernels.voxel_forward, num_rays, *arguments, *(output.numpy() for output in outputs))
        ctx.save_for_backward(rows, outputs[0])
        ctx.set_materialize_grads(False)
        ctx.field, ctx.geometry, ctx.scalars, ctx.grid_shape = field, geometry, scalars, grid_shape
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        from . import voxel_kernels

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
        run_over_range(voxel_kernels.voxel_backward, num_rays, *arguments, *given, has_semantics, *sums)
        grad_rows = zeros_in_large_pages(rows)
        where = (voxel_kernels.scatter_voxels, rows, ctx.grid_shape, offsets, base)
        scatter_over_planes(*where, *sums, given[2], has_semantics, grad_rows.numpy())
        return finish_gradients(grad_rows, rows, ctx.field, ctx.scalars[0]), None, None, None, None
