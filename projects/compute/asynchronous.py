"""What would make the host wait for a GPU, done so that it does not."""

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import Tensor

from .tensors import is_fake

Made = TypeVar('Made', Tensor, tuple[Tensor, Tensor])


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
    return kept(_listed, (tuple(values), like.dtype if dtype is None else dtype), like)


def _listed(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=dtype, device=device)


def kept(make: Callable[..., Made], arguments: tuple[Hashable, ...], like: Tensor) -> Made:
    """Small tensors that follow from a few values; on a GPU they are made once. Do not write into them.

    Args:
        make (Callable): A function of a module, called as ``make(*arguments, device)``.
        arguments (tuple): Everything that the tensors depend on.
        like (Tensor): On the device of the result.

    Returns:
        Tensor | tuple[Tensor, ...]: What ``make`` gives.
    """
    if like.device.type == 'cpu' or is_fake(like):
        return make(*arguments, like.device)
    return _kept(make, arguments, like.device)


@lru_cache(maxsize=256)
def _kept(make: Callable[..., Any], arguments: tuple[Hashable, ...], device: torch.device) -> Any:
    with torch.inference_mode(False):  # a tensor of inference mode could not be used in training
        return make(*arguments, device)
