"""Whether this process can compute on a device, and where a model keeps what."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


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

    Args:
        model (nn.Module): The model.

    Returns:
        nn.Module: The same one, with the same values.
    """
    # Not .to(memory_format=...), which refuses weights of 3D convolutions; a frozen teacher is no submodule.
    return model._apply(lambda x: x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x)


def keep_counts_on_host(model: nn.Module) -> nn.Module:
    """Keep the numbers of batches that BatchNorms have seen on the host, in place.

    Each layer adds one in every step, for which a GPU would be launched once per layer. State dicts stay as they were.
    Call it after a model was wrapped: distributed training hands out buffers of the device before.

    Args:
        model (nn.Module): The model.

    Returns:
        nn.Module: The same one, with the same values.
    """
    for module in model.modules():
        if isinstance(module, _BatchNorm) and module.num_batches_tracked is not None:
            module.num_batches_tracked = module.num_batches_tracked.cpu()
    return model
