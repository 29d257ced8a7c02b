"""Autograd function around the numba kernels: trilinear lookup, density, transmittance and sums in one pass.

Saves nothing per sample for the backward pass but the weights, which are an output anyway.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .backend import run_in_threads, run_over_rays
from .grid import corner_offsets
from .sampling import RaySamples


def render_fused(
    rows: Tensor,
    field: Tensor | None,
    samples: RaySamples,
    grid_shape: Sequence[int],
    softplus: bool,
    density_scale: float,
    threshold: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Same as ``volume._render_with_torch``, on the CPU, for packed samples.

    Args:
        rows (Tensor): Logits. Shape (V, K), float32 or float64, contiguous.
        field (Tensor, optional): Scalar field of the density. Shape (V,). None stands for the last column of ``rows``.
        samples (RaySamples): Packed samples.
        grid_shape (Sequence[int]): (X, Y, Z).
        softplus (bool): Density is softplus(-field) instead of -field.
        density_scale (float): Factor on the density.
        threshold (float): Samples of smaller weight add nothing to the semantics.

    Returns:
        tuple[Tensor, Tensor, Tensor, Tensor]: ``weights`` (N, S), ``depths`` (N,), ``semantics`` (N, K - 1) and
        ``opacities`` (N,).
    """
    dtype = rows.dtype
    # Scalars in the dtype of the arrays: numba would compute in float64 otherwise.
    scalars = (softplus, *_numpy(rows.new_tensor([density_scale, threshold])))
    geometry = (
        _numpy(samples.ray_offsets),
        _numpy(samples.sample_index),
        _numpy(samples.sample_base),
        _numpy(samples.sample_frac.to(dtype)),
        _numpy(samples.t_mids.to(dtype)),
        _numpy((samples.t_ends - samples.t_starts).to(dtype)),
        _numpy(samples.ray_lengths.flatten().to(dtype)),
    )
    return _FusedRender.apply(rows, field, geometry, tuple(grid_shape), scalars)


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()


class _FusedRender(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, field: Tensor | None, geometry: tuple, grid_shape: tuple[int, ...], scalars: tuple
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        from . import kernels

        ctx.last_column = field is None
        field = rows[:, -1].contiguous() if field is None else field.contiguous()
        num_rays, num_samples = geometry[0].shape[0] - 1, geometry[4].shape[1]
        weights = rows.new_zeros(num_rays, num_samples)
        depths, opacities = rows.new_empty(num_rays), rows.new_empty(num_rays)
        semantics = rows.new_zeros(num_rays, rows.shape[1] - 1)
        corners = np.array(corner_offsets(grid_shape), dtype=np.int64)
        outputs = (weights, depths, semantics, opacities)
        run_over_rays(
            kernels.march_forward,
            num_rays,
            _numpy(field),
            _numpy(rows),
            corners,
            *geometry,
            *scalars,
            *(output.numpy() for output in outputs),
        )
        ctx.save_for_backward(rows, field, weights)
        ctx.geometry, ctx.scalars, ctx.corners = geometry, scalars, corners
        ctx.plane = grid_shape[1] * grid_shape[2]
        return outputs

    @staticmethod
    @once_differentiable
    def backward(  # type: ignore[override]
        ctx: Any, grad_weights: Tensor, grad_depths: Tensor, grad_semantics: Tensor, grad_opacities: Tensor
    ) -> tuple[Tensor, Tensor | None, None, None, None]:
        from . import kernels

        rows, field, weights = ctx.saved_tensors
        offsets, index, base, frac = ctx.geometry[:4]
        threshold = ctx.scalars[2]
        has_semantics = bool(grad_semantics.any())
        grad_values = np.zeros(base.shape, dtype=frac.dtype)
        run_over_rays(
            kernels.march_backward,
            weights.shape[0],
            _numpy(field),
            _numpy(rows),
            ctx.corners,
            *ctx.geometry,
            *ctx.scalars,
            _numpy(weights),
            *(_numpy(grad) for grad in (grad_weights, grad_depths, grad_semantics, grad_opacities)),
            has_semantics,
            grad_values,
        )
        grad_field = torch.zeros_like(field)
        grad_rows = torch.zeros_like(rows)
        shares = torch.get_num_threads()

        def scatter(share: int) -> None:
            kernels.scatter_backward(
                share,
                shares,
                ctx.plane,
                ctx.corners,
                offsets,
                index,
                base,
                frac,
                threshold,
                _numpy(weights),
                grad_values,
                _numpy(grad_semantics),
                has_semantics,
                grad_field.numpy(),
                grad_rows.numpy(),
            )

        run_in_threads([lambda share=share: scatter(share) for share in range(shares)])  # type: ignore[misc]
        if ctx.last_column:
            grad_rows[:, -1] = grad_field
        return grad_rows, None if ctx.last_column else grad_field, None, None, None
