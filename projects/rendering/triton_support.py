"""When Triton kernels run: on CUDA tensors, with triton installed, unless the environment says no."""

import importlib.util
import os
from functools import lru_cache

import torch
from torch import Tensor

from .backend import is_fake


@lru_cache(maxsize=1)
def _triton_installed() -> bool:
    return importlib.util.find_spec('triton') is not None


def triton_enabled() -> bool:
    """Whether triton is installed and the environment variable ``GEODISTILL_TRITON`` is not ``0``."""
    return os.environ.get('GEODISTILL_TRITON', '1') != '0' and _triton_installed()


def triton_usable(*tensors: Tensor) -> bool:
    """Whether Triton kernels can read these tensors: enabled, on CUDA, with values, float32."""
    return (
        all(
            tensor.device.type == 'cuda' and tensor.dtype == torch.float32 and not is_fake(tensor) for tensor in tensors
        )
        and triton_enabled()
    )
