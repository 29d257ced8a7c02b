"""What would make the host wait for a GPU, done so that it does not."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from .tensors import is_fake


def inverse(matrices: Tensor) -> Tensor:
    """Inverse of matrices; of a singular one an error on the CPU, and values without meaning on other devices.

    ``torch.linalg.inv`` looks for errors, for which it waits.

    Args:
        matrices (Tensor): Shape (..., n, n).

    Returns:
        Tensor: The same shape.

    Raises:
        torch.linalg.LinAlgError: If a matrix on the CPU is singular.
    """
    if matrices.device.type == 'cpu':
        return torch.linalg.inv(matrices)
    return torch.linalg.inv_ex(matrices).inverse


def constant(values: Sequence[float], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """A few numbers as a tensor; what was copied to a device once stays there. Do not write into it.

    Args:
        values (Sequence[float]): n numbers.
        like (Tensor): On the device of the result.
        dtype (torch.dtype, optional): Of the result. Defaults to None: that of ``like``.

    Returns:
        Tensor: Shape (n,), without gradient.
    """
    dtype = like.dtype if dtype is None else dtype
    if like.device.type == 'cpu' or is_fake(like):
        return torch.tensor(list(values), dtype=dtype, device=like.device)
    return _kept(tuple(values), dtype, like.device)


@lru_cache(maxsize=256)
def _kept(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # a tensor of inference mode could not be used in training
        return torch.tensor(values, dtype=dtype, device=device)
