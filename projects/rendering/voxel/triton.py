"""Triton twin of ``numba.py``, for CUDA: voxels of constant density along rays that are not cut.

Imported on first use only. The backward pass adds to the voxels with atomics: sums are in any order, so their last bits
differ from run to run. With ``torch.use_deterministic_algorithms(True)`` the pure torch code of ``torch.py`` runs
instead. The semantics are tested through Triton's interpreter. The kernels have not been run or timed on a GPU.
"""

from collections.abc import Sequence
from typing import Any

import torch
import triton
from torch import Tensor
from torch.autograd.function import once_differentiable

from projects.rendering.common.torch import weighted_gradients

from .rays import VoxelRays
from .triton_kernels import backward_kernel, forward_kernel

#: Bins that a program holds in its registers at a time.
_MOST_BINS = 128


def render_voxels_with_triton(
    rows: Tensor,
    rays: VoxelRays,
    grid_shape: Sequence[int],
    density: str,
    density_scale: float,
    threshold: float,
    with_weights: bool = True,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Same as ``torch.render_pieces_with_torch``, on CUDA, for rays that are not cut; the result is float32.

    Logits are float32, bfloat16 or float16, ``density`` 'softplus_free', 'log_odds' or 'prob', whose ``density_scale``
    is divided by the edge of a voxel. Without ``with_weights`` the weights are (N, 0).
    """
    line = (rays.origins, rays.directions, rays.enter, rays.leave, rays.ray_lengths.flatten())
    geometry = tuple(part.contiguous() for part in (*line, rays.t_starts, rays.t_ends))
    t_stride = rays.num_samples if rays.t_starts.shape[0] > 1 else 0
    sizes = (*grid_shape, rays.origins.shape[1], t_stride, rays.num_samples, rows.shape[1] - 1)
    numbers = (*rays.grid.lower, *rays.grid.voxel_size, *sizes, float(density_scale), float(threshold))
    # -log p_free is the softplus of the log-odds: 'prob' needs no density of its own where nothing is interpolated.
    return _RenderVoxels.apply(rows, geometry, numbers, density != 'softplus_free', with_weights)


def _blocks(num_samples: int, num_columns: int) -> dict[str, int]:
    """Sizes of blocks, and warps per program."""
    bins = min(_MOST_BINS, triton.next_power_of_2(num_samples))
    return {'BLOCK_S': bins, 'BLOCK_C': triton.next_power_of_2(num_columns), 'num_warps': 1}


class _RenderVoxels(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, geometry: tuple[Tensor, ...], numbers: tuple, log_odds: bool, keep: bool
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        num_rays, num_samples, num_columns = len(geometry[2]), geometry[-1].shape[1], rows.shape[1]
        sizes = ((num_rays, num_samples if keep else 0), (num_rays,), (num_rays, num_columns - 1), (num_rays,))
        weights, depths, semantics, opacities = (torch.empty(s, dtype=torch.float32, device=rows.device) for s in sizes)
        outputs = (weights, depths, semantics, opacities)
        if num_rays:
            with torch.cuda.device_of(rows):
                forward_kernel[(num_rays,)](
                    rows, *geometry, *outputs, *numbers, log_odds, keep, **_blocks(num_samples, num_columns)
                )
        ctx.save_for_backward(rows, *outputs)
        ctx.set_materialize_grads(False)
        ctx.geometry, ctx.numbers, ctx.log_odds = geometry, numbers, log_odds
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        rows, *outputs = ctx.saved_tensors
        bin_totals = weighted_gradients(outputs, (grads[0], None, None, None))
        totals = weighted_gradients(outputs, (None, *grads[1:]))
        has_weights, has_semantics = grads[0] is not None and outputs[0].shape[1] > 0, grads[2] is not None
        # Zeros where missing; of weights and semantics they are not read.
        zeros = torch.zeros_like(totals) if any(grad is None for grad in grads) else totals
        given = [zeros if grad is None else grad.contiguous() for grad in grads]
        grad_rows = torch.zeros(rows.shape, dtype=torch.float32, device=rows.device)
        if len(totals):
            with torch.cuda.device_of(rows):
                backward_kernel[(len(totals),)](
                    rows, *ctx.geometry, outputs[0], *given, totals, bin_totals, grad_rows, *ctx.numbers,
                    ctx.log_odds, has_weights, has_semantics, **_blocks(ctx.geometry[-1].shape[1], rows.shape[1]),
                )  # fmt: skip
        return grad_rows.to(rows.dtype), None, None, None, None
