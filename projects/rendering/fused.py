"""Autograd functions around the numba kernels: lookup, density, transmittance and sums in one pass.

The render saves nothing per sample; its backward pass marches again, front to back.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from projects.compute.precision import computed_dtype, full_precision
from projects.compute.threads import run_in_threads, run_over_range

from .grid import corner_offsets
from .sampling import RaySamples

#: Neighbouring x planes that one thread sums gradients for, at most: a ray stays with one thread for a while.
_BLOCK = 8


def render_fused(
    rows: Tensor,
    samples: RaySamples,
    grid_shape: Sequence[int],
    density: str,
    density_scale: float,
    threshold: float,
    with_weights: bool = True,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Same as ``volume._render_with_torch``, on the CPU, for packed samples.

    Args:
        rows (Tensor): Logits. Shape (V, K), float32, float64 or bfloat16, contiguous. bfloat16 is read as it is: a
            copy in float32 would take a third of the time of the march.
        samples (RaySamples): Packed samples.
        grid_shape (Sequence[int]): (X, Y, Z).
        density (str): One of ``kernel_math.DENSITY_FIELDS``.
        density_scale (float): Factor on the density.
        threshold (float): Samples of smaller weight add nothing to the semantics.
        with_weights (bool): Return the weights. Defaults to True.

    Returns:
        tuple[Tensor, Tensor, Tensor, Tensor]: ``weights`` (N, S) or (N, 0), ``depths`` (N,), ``semantics`` (N, K - 1)
        and ``opacities`` (N,).
    """
    from .kernel_math import DENSITY_FIELDS

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
    return _FusedRender.apply(rows, geometry, tuple(grid_shape), scalars, num_weights)


def numpy_view(tensor: Tensor) -> np.ndarray:
    """The values as a numpy array, without a copy when they are contiguous; bfloat16 as its bits, see ``real``."""
    tensor = tensor.detach().contiguous()
    return tensor.view(torch.int16).numpy().view(np.uint16) if tensor.dtype == torch.bfloat16 else tensor.numpy()


def zeros_in_large_pages(like: Tensor) -> Tensor:
    """Zeros of the shape of logits, float32 or float64; NumPy asks for huge pages, which need 1/512 of the faults."""
    dtype = np.float64 if like.dtype == torch.float64 else np.float32
    return torch.from_numpy(np.empty(tuple(like.shape), dtype)).zero_()


def touched_field(rows: Tensor, base: np.ndarray, steps: Sequence[int], mode: int) -> np.ndarray:
    """Density field (V,) in the voxels that samples with first corners ``base`` read; arbitrary elsewhere.

    Free logits need no memory: they are a view, but of bfloat16. ``steps`` lead from the first corner of a cell to its
    others, one after the other in any combination.
    """
    from . import kernel_math

    if mode == kernel_math.FREE_LOGIT:
        return rows.detach()[:, -1].to(computed_dtype(rows)).numpy()
    field = np.empty(len(rows), dtype=np.float64 if rows.dtype == torch.float64 else np.float32)
    wanted = np.zeros(len(rows), dtype=np.bool_)
    run_over_range(kernel_math.mark_voxels, base.shape[0], base, wanted)
    for step in steps:
        wanted[step:] |= wanted[: len(wanted) - step]
    run_over_range(kernel_math.fill_field, len(rows), numpy_view(rows), mode, wanted, field)
    return field


def empty_render(rows: Tensor, num_rays: int, num_weights: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Memory for weights, depths, semantics and opacities; the kernels add to weights and semantics."""
    options: dict[str, Any] = {'dtype': computed_dtype(rows), 'device': rows.device}
    weights = torch.zeros(num_rays, num_weights, **options)
    semantics = torch.zeros(num_rays, rows.shape[1] - 1, **options)
    return weights, torch.empty(num_rays, **options), semantics, torch.empty(num_rays, **options)


def weighted_gradients(outputs: Sequence[Tensor], grads: Sequence[Tensor | None]) -> Tensor:
    """Sum over the samples of each ray of their weight times its gradient, from the four outputs. Shape (N,).

    The kernels subtract from it as they march.
    """
    weights, depths, semantics, opacities = outputs
    total = torch.zeros_like(depths)
    with full_precision(depths):
        for output, grad in zip((depths, opacities), (grads[1], grads[3])):
            if grad is not None:
                total.addcmul_(output, grad)
        for output, grad in zip((weights, semantics), (grads[0], grads[2])):
            if grad is not None:
                total += torch.linalg.vecdot(output, grad)
    return total


class RenderGradients:
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


def scatter_over_planes(kernel: Any, rows: Tensor, grid_shape: Sequence[int], *args: Any) -> None:
    """Call ``kernel(share, owners, plane, *args)`` in as many threads as torch uses; plane x is of ``owners[x]``."""
    shares = torch.get_num_threads()
    block = max(1, min(_BLOCK, grid_shape[0] // (4 * shares)))
    plane = grid_shape[1] * grid_shape[2]
    owners = np.arange(len(rows) // plane) // block % shares
    run_in_threads([partial(kernel, share, owners, plane, *args) for share in range(shares)])


def finish_gradients(grad_rows: Tensor, rows: Tensor, field: np.ndarray, mode: int) -> Tensor:
    """Gradient of the logits in their dtype, from sums whose last column is the gradient of the field."""
    from . import kernel_math

    if mode != kernel_math.FREE_LOGIT:
        arrays = (field, numpy_view(rows), mode, grad_rows.numpy())
        run_over_range(kernel_math.finish_gradients, len(rows), *arrays)
    return grad_rows.to(rows.dtype)


class _FusedRender(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, geometry: tuple, grid_shape: tuple[int, ...], scalars: tuple, num_weights: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        from . import march_kernels

        num_rays = geometry[0].shape[0] - 1
        outputs = empty_render(rows, num_rays, num_weights)
        corners = np.array(corner_offsets(grid_shape), dtype=np.int64)
        field = touched_field(rows, geometry[2], (corners[1], corners[2], corners[4]), scalars[0])
        ctx.march = (field, numpy_view(rows), corners, *geometry, *scalars)
        run_over_range(march_kernels.march_forward, num_rays, *ctx.march, *(output.numpy() for output in outputs))
        ctx.save_for_backward(rows, *outputs)
        ctx.set_materialize_grads(False)
        ctx.corners, ctx.grid_shape = corners, grid_shape
        ctx.offsets, ctx.base, ctx.frac = geometry[0], geometry[2], geometry[3]
        ctx.field, ctx.mode = field, scalars[0]
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        from . import march_kernels

        rows, *outputs = ctx.saved_tensors
        grad = RenderGradients(outputs, grads)
        sample_weights, grad_values = (np.zeros(ctx.base.shape, dtype=ctx.frac.dtype) for _ in range(2))
        run_over_range(
            march_kernels.march_backward,
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
        scatter_over_planes(march_kernels.scatter_gradients, rows, ctx.grid_shape, *where, *sums)
        return finish_gradients(grad_rows, rows, ctx.field, ctx.mode), None, None, None, None
