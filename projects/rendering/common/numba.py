"""What the numba renders of both fields share: arrays, the density field, and sums of gradients over voxels."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from projects.compute.precision import computed_dtype
from projects.compute.threads import run_in_threads, run_over_range

from . import numba_math

#: Neighbouring x planes that one thread sums gradients for, at most: a ray stays with one thread for a while.
_BLOCK = 8


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
    if mode == numba_math.FREE_LOGIT:
        return rows.detach()[:, -1].to(computed_dtype(rows)).numpy()
    field = np.empty(len(rows), dtype=np.float64 if rows.dtype == torch.float64 else np.float32)
    wanted = np.zeros(len(rows), dtype=np.bool_)
    run_over_range(numba_math.mark_voxels, base.shape[0], base, wanted)
    for step in steps:
        wanted[step:] |= wanted[: len(wanted) - step]
    run_over_range(numba_math.fill_field, len(rows), numpy_view(rows), mode, wanted, field)
    return field


def empty_render(rows: Tensor, num_rays: int, num_weights: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Memory for weights, depths, semantics and opacities; the kernels add to weights and semantics."""
    options: dict[str, Any] = {'dtype': computed_dtype(rows), 'device': rows.device}
    weights = torch.zeros(num_rays, num_weights, **options)
    semantics = torch.zeros(num_rays, rows.shape[1] - 1, **options)
    return weights, torch.empty(num_rays, **options), semantics, torch.empty(num_rays, **options)


def scatter_over_planes(kernel: Any, rows: Tensor, grid_shape: Sequence[int], *args: Any) -> None:
    """Call ``kernel(share, owners, plane, *args)`` in as many threads as torch uses; plane x is of ``owners[x]``."""
    shares = torch.get_num_threads()
    block = max(1, min(_BLOCK, grid_shape[0] // (4 * shares)))
    plane = grid_shape[1] * grid_shape[2]
    owners = np.arange(len(rows) // plane) // block % shares
    run_in_threads([partial(kernel, share, owners, plane, *args) for share in range(shares)])


def finish_gradients(grad_rows: Tensor, rows: Tensor, field: np.ndarray, mode: int) -> Tensor:
    """Gradient of the logits in their dtype, from sums whose last column is the gradient of the field."""
    if mode != numba_math.FREE_LOGIT:
        arrays = (field, numpy_view(rows), mode, grad_rows.numpy())
        run_over_range(numba_math.finish_gradients, len(rows), *arrays)
    return grad_rows.to(rows.dtype)
