"""Whether this process can compute on a device."""

import torch


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
