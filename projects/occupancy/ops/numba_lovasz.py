"""numba kernel of the Lovasz extension's gradient. Imported on first use only.

The kernel is serial and releases the GIL; classes are shared among threads. Shape letters: M voxels, K classes.
"""
# numba infers the types of the arguments, so the kernels are not annotated:
# ruff: noqa: ANN001, ANN202

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from projects.compute.kernels import kernel
from projects.compute.threads import run_in_threads

_BITS = 11  # of the key that a pass sorts by: 2048 counters stay in the first cache
_PASSES = 3


@kernel()
def _sort_by_falling_error(keys, order, other_keys, other_order):
    """Sort bits of errors and their places from large to small, by counting, 11 bits in each of three passes; stable.

    Keys are below 2**31. The result lies in the second pair of arrays, for the passes are odd.
    """
    counts = np.zeros((_PASSES, 1 << _BITS), np.int64)
    mask = (1 << _BITS) - 1
    for i in range(keys.shape[0]):
        for p in range(_PASSES):
            counts[p, mask - ((keys[i] >> (p * _BITS)) & mask)] += 1
    for p in range(_PASSES):
        total = 0
        for b in range(1 << _BITS):
            count = counts[p, b]
            counts[p, b] = total
            total += count
    for p in range(_PASSES):
        for i in range(keys.shape[0]):
            bucket = mask - ((keys[i] >> (p * _BITS)) & mask)
            place = counts[p, bucket]
            counts[p, bucket] = place + 1
            other_keys[place] = keys[i]
            other_order[place] = order[i]
        keys, other_keys = other_keys, keys
        order, other_order = other_order, order


@kernel(error_model='numpy')
def _write_growth(order, ids, label, growth):
    """Growth of the Jaccard loss of a class with each voxel that joins the errors, at the place of the voxel."""
    total = 0
    for i in range(ids.shape[0]):
        total += ids[i] == label
    missed, others, last = total, 0, 0.0
    for place in order:
        if ids[place] == label:
            missed -= 1
        else:
            others += 1
        jaccard = 1.0 - missed / (total + others)
        growth[place] = jaccard - last
        last = jaccard


def _grow(errors: np.ndarray, ids: np.ndarray, label: int, growth: np.ndarray) -> None:
    keys, order = errors.view(np.int32).copy(), np.arange(len(errors), dtype=np.int32)
    other_keys, result = np.empty_like(keys), np.empty_like(order)
    _sort_by_falling_error(keys, order, other_keys, result)
    _write_growth(result, ids, label, growth)


def lovasz_growth_with_numba(errors: Tensor, ids: Tensor, labels: Sequence[int]) -> Tensor:
    """Growth of each class's Jaccard loss, as ``lovasz_growth`` gives it; float64 inside.

    Args:
        errors (Tensor): Not negative, finite, contiguous float32. Shape (K, M).
        ids (Tensor): Class ids. Shape (M,).
        labels (Sequence[int]): Classes that count; the rows of others are 0.

    Returns:
        Tensor: Shape (K, M), float32.
    """
    growth = torch.zeros_like(errors)
    values, rows, classes = errors.numpy(), growth.numpy(), ids.to(torch.uint8).numpy()
    run_in_threads([partial(_grow, values[label], classes, label, rows[label]) for label in labels])
    return growth
