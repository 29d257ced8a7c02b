"""Which kernels can read a tensor: those of numba on the CPU, those of Triton on CUDA, or none."""

import importlib.util
import os
from functools import lru_cache

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from .switch import numba_enabled


def is_fake(tensor: Tensor) -> bool:
    """Whether a tensor has no values (traced or tested without the device), so shapes must not depend on data."""
    return isinstance(tensor, FakeTensor)


def numba_usable(*tensors: Tensor, bfloat16: bool = False) -> bool:
    """Whether numba kernels can read these tensors: enabled, on the CPU, with values, float32 or float64.

    Kernels that read bfloat16 as well say so.
    """
    dtypes = (torch.float32, torch.float64, *([torch.bfloat16] if bfloat16 else []))
    return numba_enabled() and all(
        type(tensor) in (Tensor, torch.nn.Parameter) and tensor.device.type == 'cpu' and tensor.dtype in dtypes
        for tensor in tensors
    )


@lru_cache(maxsize=1)
def _triton_installed() -> bool:
    return importlib.util.find_spec('triton') is not None


def triton_enabled() -> bool:
    """Whether triton is installed and the environment variable ``GEODISTILL_TRITON`` is not ``0``."""
    return os.environ.get('GEODISTILL_TRITON', '1') != '0' and _triton_installed()


def triton_usable(*tensors: Tensor, half: bool = False) -> bool:
    """Whether Triton kernels can read these tensors: enabled, on CUDA, with values, float32.

    Kernels that read bfloat16 and float16 as well say so.
    """
    dtypes = (torch.float32, *([torch.bfloat16, torch.float16] if half else []))
    return (
        all(tensor.device.type == 'cuda' and tensor.dtype in dtypes and not is_fake(tensor) for tensor in tensors)
        and triton_enabled()
    )
