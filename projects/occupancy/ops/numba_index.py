"""numba twin of the ranking in ``index.py``: a counting sort of the frustum points. Imported on first use only.

The kernels are serial and release the GIL; ``find_cells`` runs on parts of the pixels in threads.
Names: ``rays`` (P, 3) and ``origins`` (B * N, 3) in units of voxels, P pixels, D bins, V hit voxels.
"""
# numba infers the types of the arguments, so the kernels are not annotated:
# ruff: noqa: ANN001, ANN202

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from projects.compute.kernels import kernel
from projects.compute.threads import run_over_range

# No fast-math: a fused product and sum would round other points of a voxel's border than PyTorch does.
_jit = kernel()


@_jit
def _find_cells(first, last, rays, origins, bins, limits, axes, pixels_per_camera, cameras, legacy, keys, counts):
    """Write the key of every point of pixels ``first`` to ``last`` (-1 outside) and the number of points inside."""
    zero = rays.dtype.type(0)
    below = zero - rays.dtype.type(1)
    num_bins = bins.shape[0]
    for pixel in range(first, last):
        camera = pixel // pixels_per_camera
        batch = camera // cameras
        total = 0
        for d in range(num_bins):
            key = np.int64(batch)
            inside = True
            for i in range(3):
                axis = axes[i]
                coord = rays[pixel, axis] * bins[d] + origins[camera, axis]
                lower = coord > below if legacy else coord >= zero
                if not (lower and coord < limits[axis]):
                    inside = False
                    break
                key = key * limits[axis] + np.int64(coord)
            keys[pixel * num_bins + d] = key if inside else -1
            total += inside
        counts[pixel + 1] = total


@_jit
def _count_voxels(keys, counters):
    """Count the points of every voxel; return the number of hit voxels."""
    hits = 0
    for key in keys:
        if key >= 0:
            hits += counters[key] == 0
            counters[key] += 1
    return hits


@_jit
def _list_voxels(counters, voxels, voxel_offsets):
    """List the hit voxels and where their points begin; ``counters`` becomes the row of each hit voxel."""
    row = 0
    for key in range(counters.shape[0]):
        count = counters[key]
        if count:
            voxels[row] = key
            voxel_offsets[row + 1] = voxel_offsets[row] + count
            counters[key] = row
            row += 1


@_jit
def _place_points(
    keys, rows, cursors, num_bins, pixels_per_camera, dense, pixels, depths, rows_by_pixel, depths_by_pixel
):  # fmt: skip
    """Write the points in pixel-major order, and in voxel-major order where ``cursors`` (V,) point."""
    m = 0
    point = 0
    for pixel in range(keys.shape[0] // num_bins):
        camera = pixel // pixels_per_camera
        first_depth = (camera * num_bins) * pixels_per_camera + pixel % pixels_per_camera
        for d in range(num_bins):
            key = keys[point]
            point += 1
            if key < 0:
                continue
            row = rows[key]
            depth = first_depth + d * pixels_per_camera
            at = cursors[row]
            cursors[row] = at + 1
            pixels[at] = pixel
            depths[at] = depth
            rows_by_pixel[m] = key if dense else row
            depths_by_pixel[m] = depth
            m += 1


def prepare_with_numba(
    rays: Tensor,
    origins: Tensor,
    bins: Tensor,
    grid_shape: Sequence[int],
    axes: Sequence[int],
    legacy_trunc: bool,
    dtype: torch.dtype,
    dense: bool,
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, ...]]:
    """The tensors of ``VoxelPoolIndex``.

    Args:
        rays (Tensor): Rays in voxels per metre of depth. Shape (B, N, H * W, 3).
        origins (Tensor): Camera centres in voxels. Shape (B, N, 3).
        bins (Tensor): z-depth of each bin in metres. Shape (D,).
        grid_shape (Sequence[int]): (X, Y, Z).
        axes (Sequence[int]): Axes of the key, slowest first.
        legacy_trunc (bool): Round toward zero instead of down.
        dtype (torch.dtype): Integer type of the result.
        dense (bool): Give keys as ``rows_by_pixel``, not numbers of hit voxels.

    Returns:
        tuple: (voxels, voxel_offsets) and (pixels, depths, pixel_offsets, rows_by_pixel, depths_by_pixel).
    """
    B, N, HW, _ = rays.shape
    D, num_pixels = bins.numel(), B * N * HW
    integer = {torch.int32: np.int32, torch.int64: np.int64}[dtype]
    keys = np.empty(num_pixels * D, integer)
    counts = np.zeros(num_pixels + 1, integer)
    arrays = [tensor.detach().contiguous().numpy() for tensor in (rays.flatten(0, 2), origins.flatten(0, 1), bins)]
    limits, order = np.array(grid_shape, np.int64), np.array(axes, np.int64)
    run_over_range(_find_cells, num_pixels, *arrays, limits, order, HW, N, legacy_trunc, keys, counts)
    pixel_offsets = np.cumsum(counts, dtype=integer)

    counters = np.zeros(B * math.prod(grid_shape), integer)
    num_hits = _count_voxels(keys, counters)
    voxels, voxel_offsets = np.empty(num_hits, np.int64), np.zeros(num_hits + 1, integer)
    _list_voxels(counters, voxels, voxel_offsets)
    points = [np.empty(pixel_offsets[-1], integer) for _ in range(4)]
    _place_points(keys, counters, voxel_offsets[:-1].copy(), D, HW, dense, *points)
    pixels, depths, rows_by_pixel, depths_by_pixel = points
    ranking = (pixels, depths, pixel_offsets, rows_by_pixel, depths_by_pixel)
    hits = torch.from_numpy(voxels), torch.from_numpy(voxel_offsets)
    return hits, tuple(torch.from_numpy(array) for array in ranking)
