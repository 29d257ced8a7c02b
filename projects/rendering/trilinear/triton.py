"""Triton twin of the trilinear march in ``numba.py``, for CUDA. Imported on first use only.

One program per ray marches through blocks of samples and stops after the block in which the ray becomes opaque. The
backward pass marches front to back as well, with nothing saved by the render (see ``numba_kernels.march_backward``),
and adds to the voxels with atomics: sums are in any order, so their last bits differ from run to run. With
``torch.use_deterministic_algorithms(True)`` the pure torch code of ``torch.py`` runs instead.

The semantics are tested through Triton's interpreter. The kernels have not been run or timed on a GPU.
"""
# Triton infers the types of the arguments, so the kernels are not annotated:
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code=no-untyped-def

from collections.abc import Sequence
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from projects.rendering.common.torch import weighted_gradients
from projects.rendering.common.triton import OPAQUE, append, opacity, softplus_density

from .lookup import corner_offsets
from .samples import TrilinearSamples

#: Samples of a block, as many as a warp has lanes: one warp per program, since more would repeat them.
_BLOCK_SAMPLES, _WARPS = 32, 1


@triton.jit
def _density(value, scale, SOFTPLUS: tl.constexpr):
    """Density and its derivative, from the interpolated field."""
    if SOFTPLUS:
        sigma, slope = softplus_density(value, scale)
    else:
        sigma, slope = -scale * value, tl.zeros_like(value) - scale
    return sigma, slope


@triton.jit
def _corner(k, cell, x, y, z, step_x, step_y, step_z):
    """Row and trilinear weight of corner ``k`` of cells, in the order of ``lookup.corner_offsets``."""
    i, j, n = k // 4, k // 2 % 2, k % 2
    row = cell + i * step_x + j * step_y + n * step_z
    return row, tl.where(i == 1, x, 1.0 - x) * tl.where(j == 1, y, 1.0 - y) * tl.where(n == 1, z, 1.0 - z)


@triton.jit
def _march_block(
    m, valid, ray, field, field_stride, index, base, frac, t_mids, deltas, t_stride, lengths, num_samples,
    step_x, step_y, step_z, scale, trans, SOFTPLUS: tl.constexpr,
):  # fmt: skip
    """March through a block of samples from transmittance ``trans``."""
    bin_index = tl.load(index + m, mask=valid, other=0) - ray * num_samples
    t_mid = tl.load(t_mids + ray * t_stride + bin_index, mask=valid, other=0.0)
    delta = tl.load(deltas + ray * t_stride + bin_index, mask=valid, other=0.0) * tl.load(lengths + ray)
    cell = tl.load(base + m, mask=valid, other=0).to(tl.int64)
    x = tl.load(frac + 3 * m, mask=valid, other=0.0)
    y = tl.load(frac + 3 * m + 1, mask=valid, other=0.0)
    z = tl.load(frac + 3 * m + 2, mask=valid, other=0.0)
    value = tl.zeros(x.shape, dtype=tl.float32)
    for k in tl.static_range(8):  # unrolled: eight reads on their way at a time
        row, corner = _corner(k, cell, x, y, z, step_x, step_y, step_z)
        value += corner * tl.load(field + row * field_stride, mask=valid, other=0.0)
    sigma, slope = _density(value, scale, SOFTPLUS)
    thickness = tl.where(valid, sigma * delta, 0.0)
    before, through = tl.associative_scan((tl.zeros_like(thickness), thickness), 0, append)
    before = trans * tl.exp(-before)
    # Written so that NaN passes.
    reached = valid & ((before < OPAQUE) == 0)
    weight = tl.where(reached, before * opacity(thickness), 0.0)
    after = trans * tl.exp(-through)
    left = trans * tl.exp(-tl.sum(thickness, axis=0))
    return bin_index, t_mid, delta * slope, cell, x, y, z, reached, weight, after, left


@triton.jit
def _forward_kernel(
    field, logits, offsets, index, base, frac, t_mids, deltas, lengths, weights, depths, semantics, opacities,
    field_stride, t_stride, num_samples, num_classes, step_x, step_y, step_z, scale, threshold,
    SOFTPLUS: tl.constexpr, WEIGHTS: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_C: tl.constexpr,
):  # fmt: skip
    ray = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK_C)
    wanted = column < num_classes
    start = tl.load(offsets + ray)
    last = tl.load(offsets + ray + 1)
    trans, depth, total = 1.0, 0.0, 0.0
    semantic = tl.zeros((BLOCK_C,), dtype=tl.float32)
    while start < last:
        m = start + tl.arange(0, BLOCK_M)
        valid = m < last
        bin_index, t_mid, _, cell, x, y, z, _, weight, _, trans = _march_block(
            m, valid, ray, field, field_stride, index, base, frac, t_mids, deltas, t_stride, lengths, num_samples,
            step_x, step_y, step_z, scale, trans, SOFTPLUS,
        )  # fmt: skip
        depth += tl.sum(weight * t_mid, axis=0)
        total += tl.sum(weight, axis=0)
        if WEIGHTS:
            tl.store(weights + ray * num_samples + bin_index, weight, mask=valid)
        heavy = weight > threshold
        if tl.max(heavy.to(tl.int32), axis=0) > 0:
            for k in range(8):
                row, corner = _corner(k, cell, x, y, z, step_x, step_y, step_z)
                places = logits + row[:, None] * (num_classes + 1) + column[None, :]
                values = tl.load(places, mask=heavy[:, None] & wanted[None, :], other=0.0)
                semantic += tl.sum((corner * weight)[:, None] * values, axis=0)
        start = tl.where(trans < OPAQUE, last, start + BLOCK_M)
    tl.store(depths + ray, depth)
    tl.store(opacities + ray, total)
    tl.store(semantics + ray * num_classes + column, semantic, mask=wanted)


@triton.jit
def _backward_kernel(
    field, logits, offsets, index, base, frac, t_mids, deltas, lengths,
    grad_weights, grad_depths, grad_semantics, grad_opacities, totals, grad_field, grad_logits,
    field_stride, t_stride, num_samples, num_classes, step_x, step_y, step_z, scale, threshold,
    SOFTPLUS: tl.constexpr, WEIGHTS: tl.constexpr, SEMANTICS: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_C: tl.constexpr,
):  # fmt: skip
    ray = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK_C)
    wanted = column < num_classes
    start = tl.load(offsets + ray)
    last = tl.load(offsets + ray + 1)
    grad_depth, grad_opacity = tl.load(grad_depths + ray), tl.load(grad_opacities + ray)
    trans, behind = 1.0, tl.load(totals + ray)
    while start < last:
        m = start + tl.arange(0, BLOCK_M)
        valid = m < last
        bin_index, t_mid, slope, cell, x, y, z, reached, weight, after, trans = _march_block(
            m, valid, ray, field, field_stride, index, base, frac, t_mids, deltas, t_stride, lengths, num_samples,
            step_x, step_y, step_z, scale, trans, SOFTPLUS,
        )  # fmt: skip
        grad = grad_depth * t_mid + grad_opacity
        if WEIGHTS:
            grad += tl.load(grad_weights + ray * num_samples + bin_index, mask=valid, other=0.0)
        if SEMANTICS:
            heavy = weight > threshold
            if tl.max(heavy.to(tl.int32), axis=0) > 0:
                grad_semantic = tl.load(grad_semantics + ray * num_classes + column, mask=wanted, other=0.0)
                for k in range(8):
                    row, corner = _corner(k, cell, x, y, z, step_x, step_y, step_z)
                    places = row[:, None] * (num_classes + 1) + column[None, :]
                    mask = heavy[:, None] & wanted[None, :]
                    values = tl.load(logits + places, mask=mask, other=0.0)
                    grad += corner * tl.sum(values * grad_semantic[None, :], axis=1)
                    amount = (corner * weight)[:, None] * grad_semantic[None, :]
                    tl.atomic_add(grad_logits + places, amount, mask=mask, sem='relaxed')
        carried = grad * weight
        grad_value = (grad * after - (behind - tl.cumsum(carried, axis=0))) * slope
        behind -= tl.sum(carried, axis=0)
        for k in range(8):
            row, corner = _corner(k, cell, x, y, z, step_x, step_y, step_z)
            tl.atomic_add(grad_field + row, corner * grad_value, mask=reached, sem='relaxed')
        start = tl.where(trans < OPAQUE, last, start + BLOCK_M)


class _TritonRender(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, field: Tensor, geometry: tuple[Tensor, ...], numbers: tuple, softplus: bool, keep: bool
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        num_rays, num_samples, num_classes = geometry[-1].shape[0], geometry[-2].shape[1], rows.shape[1] - 1
        weights = rows.new_zeros(num_rays, num_samples if keep else 0)
        depths, opacities = rows.new_empty(num_rays), rows.new_empty(num_rays)
        semantics = rows.new_empty(num_rays, num_classes)
        outputs = (weights, depths, semantics, opacities)
        if num_rays:
            blocks = (_BLOCK_SAMPLES, triton.next_power_of_2(num_classes))
            with torch.cuda.device_of(rows):
                _forward_kernel[(num_rays,)](
                    field, rows, *geometry, *outputs, field.stride(0), *numbers, softplus, keep, *blocks,
                    num_warps=_WARPS,
                )  # fmt: skip
        ctx.save_for_backward(rows, field, *outputs)
        ctx.set_materialize_grads(False)
        ctx.geometry, ctx.numbers, ctx.softplus = geometry, numbers, softplus
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        rows, field, *outputs = ctx.saved_tensors
        totals = weighted_gradients(outputs, grads)
        has_weights, has_semantics = grads[0] is not None and outputs[0].shape[1] > 0, grads[2] is not None
        grad_field = torch.zeros_like(field, memory_format=torch.contiguous_format)
        grad_rows = torch.zeros_like(rows) if has_semantics else None
        # Zeros where missing; of weights and semantics they are not read.
        given = [torch.zeros_like(totals) if grad is None else grad.contiguous() for grad in grads]
        if len(totals):
            blocks = (_BLOCK_SAMPLES, triton.next_power_of_2(rows.shape[1] - 1))
            targets = (grad_field, rows if grad_rows is None else grad_rows)
            with torch.cuda.device_of(rows):
                _backward_kernel[(len(totals),)](
                    field, rows, *ctx.geometry, *given, totals, *targets, field.stride(0), *ctx.numbers,
                    ctx.softplus, has_weights, has_semantics, *blocks, num_warps=_WARPS,
                )  # fmt: skip
        return grad_rows, grad_field, None, None, None, None


def render_samples_with_triton(
    rows: Tensor,
    field: Tensor,
    samples: TrilinearSamples,
    grid_shape: Sequence[int],
    softplus: bool,
    density_scale: float,
    threshold: float,
    with_weights: bool = True,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Same as ``torch.render_samples_with_torch``, on CUDA, for packed samples.

    Logits and field are float32, and gradients go through the field to the logits; without ``with_weights`` the weights
    are (N, 0).
    """
    t_mids, deltas = samples.t_mids.contiguous(), (samples.t_ends - samples.t_starts).contiguous()
    tables = (samples.ray_offsets, samples.sample_index, samples.sample_base, samples.sample_frac)
    geometry = (*(table.contiguous() for table in tables), t_mids, deltas, samples.ray_lengths.flatten())
    corners = corner_offsets(grid_shape)
    t_stride = samples.num_samples if t_mids.shape[0] > 1 else 0
    sizes = (t_stride, samples.num_samples, rows.shape[1] - 1, corners[4], corners[2], corners[1])
    numbers = (*sizes, float(density_scale), float(threshold))
    return _TritonRender.apply(rows, field, geometry, numbers, softplus, with_weights)
