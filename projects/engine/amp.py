"""Mixed precision: which one this machine has, and its wrapper where there is no GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class CpuAutocastOptimWrapper(OptimWrapper):
    """Optimizer wrapper that runs the forward pass under bfloat16 autocast on the CPU.

    MMEngine's ``AmpOptimWrapper`` refuses the CPU. bfloat16 has the exponent range of float32, so no gradient
    scaler is needed and the optimizer's state is that of a float32 run.

    Args:
        optimizer (torch.optim.Optimizer): The optimizer.
        accumulative_counts (int): Iterations whose gradients are added up before a step. Defaults to 1.
        clip_grad (dict, optional): Arguments of gradient clipping as in ``OptimWrapper``. Defaults to None.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, accumulative_counts: int = 1, clip_grad: dict | None = None
    ) -> None:
        super().__init__(optimizer=optimizer, accumulative_counts=accumulative_counts, clip_grad=clip_grad)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Context of the forward pass: gradient accumulation and autocast."""
        with super().optim_context(model), torch.autocast('cpu', dtype=torch.bfloat16):
            yield


def enable_amp(optim_wrapper: dict, amp: bool, cuda: bool) -> None:
    """Choose the wrapper for mixed precision on this machine, in place.

    Args:
        optim_wrapper (dict): ``cfg.optim_wrapper``. A config that asks for ``AmpOptimWrapper`` gets
            :class:`CpuAutocastOptimWrapper` on a machine without CUDA.
        amp (bool): Whether mixed precision is wanted although the config does not ask for it: bfloat16 on the CPU and
            on GPUs that have it, float16 with loss scaling on others.
        cuda (bool): Whether CUDA is available.

    Raises:
        ValueError: If ``amp`` is wanted and the config uses a wrapper that it cannot replace.
    """
    kind = optim_wrapper.get('type', 'OptimWrapper')
    if amp and kind not in ('OptimWrapper', 'AmpOptimWrapper', 'CpuAutocastOptimWrapper'):
        raise ValueError(f"--amp can replace optim_wrapper.type 'OptimWrapper' only, the config has {kind!r}")
    if kind == 'AmpOptimWrapper' and not cuda:
        print_log('No CUDA device: bfloat16 autocast on the CPU in place of AmpOptimWrapper', 'current')
        for key in ('loss_scale', 'dtype', 'use_fsdp'):
            optim_wrapper.pop(key, None)
        optim_wrapper['type'] = 'CpuAutocastOptimWrapper'
    elif amp and kind == 'OptimWrapper':
        optim_wrapper['type'] = 'AmpOptimWrapper' if cuda else 'CpuAutocastOptimWrapper'
        if cuda:
            optim_wrapper.update(_cuda_precision())


def _cuda_precision() -> dict[str, Any]:
    """Precision of this GPU. bfloat16 has the exponents of float32: its gradients need no scale, and no scaler leaves
    steps out whose gradient is not finite.
    """
    if torch.cuda.is_bf16_supported():
        return {'dtype': 'bfloat16', 'loss_scale': {'enabled': False}}
    return {'dtype': 'float16', 'loss_scale': 'dynamic'}
