"""Triton twins of the sums in ``bev_pool.py``, for CUDA. Imported on first use only.

Forward: one program for a few voxels, far from each other: most voxels are empty, and those with hundreds of points lie
side by side near the car. It writes empty ones too, so no pass of zeros goes before. Backward: one program per pixel,
which gathers the gradient of each of its points once for both the depth and the feature. Neither sorts nor uses
atomics, so results are bit-identical from run to run.

The semantics are tested through Triton's interpreter. The kernels have not been run or timed on a GPU, so the sizes of
blocks are those that counting suggests: a pixel has about 60 points in the grid, the fullest voxel about 400.
"""
# Triton infers the types of the arguments, so the kernels are not annotated:
# ruff: noqa: ANN001, ANN202

import torch
import triton
import triton.language as tl
from torch import Tensor

from .index import VoxelPoolIndex

_BLOCK_POINTS = 64
_VOXELS_PER_PROGRAM = 8


@triton.jit
def _sum_voxels_kernel(
    depth, feats, pixels, depths, offsets, out, num_voxels, channels,
    VOXELS: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_C: tl.constexpr,
):  # fmt: skip
    column = tl.arange(0, BLOCK_C)
    wanted = column < channels
    for i in range(VOXELS):
        row = tl.program_id(0).to(tl.int64) + i * tl.num_programs(0)
        if row < num_voxels:
            first = tl.load(offsets + row)
            last = tl.load(offsets + row + 1)
            total = tl.zeros((BLOCK_C,), dtype=tl.float32)
            for start in range(first, last, BLOCK_M):
                point = start + tl.arange(0, BLOCK_M)
                valid = point < last
                weight = tl.load(depth + tl.load(depths + point, mask=valid, other=0), mask=valid, other=0.0)
                pixel = tl.load(pixels + point, mask=valid, other=0).to(tl.int64)
                places = feats + pixel[:, None] * channels + column[None, :]
                values = tl.load(places, mask=valid[:, None] & wanted[None, :], other=0.0)
                total += tl.sum(weight[:, None] * values, axis=0)
            tl.store(out + row * channels + column, total, mask=wanted)


@triton.jit
def _sum_gradients_kernel(
    depth,
    feats,
    grad_rows,
    rows,
    depths,
    offsets,
    grad_depth,
    grad_feats,
    channels,
    BLOCK_M: tl.constexpr,
    BLOCK_C: tl.constexpr,
):
    pixel = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK_C)
    wanted = column < channels
    first = tl.load(offsets + pixel)
    last = tl.load(offsets + pixel + 1)
    feat = tl.load(feats + pixel * channels + column, mask=wanted, other=0.0)
    total = tl.zeros((BLOCK_C,), dtype=tl.float32)
    for start in range(first, last, BLOCK_M):
        point = start + tl.arange(0, BLOCK_M)
        valid = point < last
        row = tl.load(rows + point, mask=valid, other=0).to(tl.int64)
        place = tl.load(depths + point, mask=valid, other=0)
        weight = tl.load(depth + place, mask=valid, other=0.0)
        places = grad_rows + row[:, None] * channels + column[None, :]
        grad = tl.load(places, mask=valid[:, None] & wanted[None, :], other=0.0)
        tl.store(grad_depth + place, tl.sum(grad * feat[None, :], axis=1), mask=valid)
        total += tl.sum(weight[:, None] * grad, axis=0)
    tl.store(grad_feats + pixel * channels + column, total, mask=wanted)


def sum_voxels(depth: Tensor, feats: Tensor, index: VoxelPoolIndex, offsets: Tensor) -> Tensor:
    """Sums of the voxels whose points begin at ``offsets``, from flat depth and (P, C) features, contiguous."""
    channels = feats.shape[1]
    out = feats.new_empty(offsets.numel() - 1, channels)
    if out.numel():
        block = triton.next_power_of_2(channels)
        with torch.cuda.device_of(feats):
            _sum_voxels_kernel[(triton.cdiv(len(out), _VOXELS_PER_PROGRAM),)](
                depth, feats, index.pixels, index.depths, offsets, out, len(out), channels,
                _VOXELS_PER_PROGRAM, _BLOCK_POINTS, block,
            )  # fmt: skip
    return out


def sum_gradients(depth: Tensor, feats: Tensor, grad_rows: Tensor, index: VoxelPoolIndex) -> tuple[Tensor, Tensor]:
    """Gradients of flat depth and (P, C) features from those of the rows of ``index.rows_by_pixel``, contiguous."""
    num_pixels, channels = feats.shape
    grad_depth, grad_feats = torch.zeros_like(depth), torch.empty_like(feats)
    if grad_feats.numel():
        tables = (index.rows_by_pixel, index.depths_by_pixel, index.pixel_offsets)
        block = triton.next_power_of_2(channels)
        with torch.cuda.device_of(feats):
            _sum_gradients_kernel[(num_pixels,)](
                depth, feats, grad_rows, *tables, grad_depth, grad_feats, channels, _BLOCK_POINTS, block
            )
    return grad_depth, grad_feats
