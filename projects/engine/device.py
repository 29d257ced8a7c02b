"""Whether this process can compute on a device, and how weights lie in memory for it."""

import torch
from torch import nn


def device_problem(name: str) -> str | None:
    """Say why a device cannot be used on this machine or with this build of torch; None if it can.

    Args:
        name (str): Such as 'cpu' or 'cuda:1'.
    """
    try:
        torch.empty(0, device=torch.device(name))
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        return str(error).strip().split('\n')[0]
    return None


def lay_out_weights(model: nn.Module) -> nn.Module:
    """Put the weights of 2D convolutions into the order of the images, channels last, in place.

    Images and grids are channels last in our models. A GPU would copy each weight for the forward and for the backward
    pass, and its gradient back, at every step. On the CPU, oneDNN reorders weights for itself.

    Returns:
        nn.Module: The same one, with the same values.
    """
    # Not .to(memory_format=...), which refuses weights of 3D convolutions; a frozen teacher is no submodule.
    return model._apply(lambda x: x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x)
