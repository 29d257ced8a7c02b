"""Where autocast is switched off, and what is computed in there."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor


def full_precision(tensor: Tensor) -> AbstractContextManager[Any]:
    """Context that switches autocast off for the device of ``tensor``; geometry and transmittance need float32."""
    device_type = tensor.device.type
    if device_type not in ('cpu', 'cuda') or not autocast_enabled(device_type):
        return nullcontext()
    return torch.autocast(device_type, enabled=False)


def autocast_enabled(device_type: str) -> bool:
    """Whether autocast is on in this thread, for 'cpu' or 'cuda'."""
    try:
        return torch.is_autocast_enabled(device_type)
    except TypeError:  # before PyTorch 2.4 there is a function for each device
        return torch.is_autocast_cpu_enabled() if device_type == 'cpu' else torch.is_autocast_enabled()


def computed_dtype(tensor: Tensor) -> torch.dtype:
    """What geometry, rendering and losses compute in: float64 for such tensors, float32 for all others."""
    return torch.promote_types(tensor.dtype, torch.float32)
