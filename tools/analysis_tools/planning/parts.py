"""Parameters, FLOPs and activations of the parts of a model, measured on tensors without memory."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class PartCost:
    """Cost of one part of a model, for one sample.

    Args:
        name (str): Name of the part.
        parameters (int): Its parameters.
        flops (float): Of one forward pass; a multiplication with an addition counts two.
        kept (float): Bytes that the forward pass keeps for the backward pass, in float32.
        passes (float): What a training step takes in forward passes: 3 where something is learned (a backward pass
            costs two forward ones), 1 where nothing is.
    """

    name: str
    parameters: int = 0
    flops: float = 0.0
    kept: float = 0.0
    passes: float = 3.0

    @property
    def step_flops(self) -> float:
        """FLOPs of the part in one training step of one sample."""
        return self.passes * self.flops


class LinspaceOnCpu(TorchFunctionMode):
    """mmdet's Swin reads the values of a ``linspace`` when it is built, which tensors without memory do not have."""

    def __torch_function__(
        self, func: Callable, types: Iterable[type], args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call ``func``; a ``linspace`` on the CPU."""
        kwargs = dict(kwargs or {})
        if func is torch.linspace:
            kwargs['device'] = 'cpu'
        return func(*args, **kwargs)


def count_parameters(*modules: nn.Module) -> int:
    """Parameters of modules, shared ones once."""
    return sum({id(weight): weight.numel() for module in modules for weight in module.parameters()}.values())


class Meter:
    """Measures one part of a model after the other; what several of them keep is counted with the first.

    Attributes:
        parts (list[PartCost]): What was measured.
    """

    def __init__(self) -> None:
        self.parts: list[PartCost] = []
        self._kept: dict[int, Any] = {}

    def copy(self) -> 'Meter':
        """A meter that goes on from here and leaves this one as it is."""
        twin = Meter()
        twin.parts, twin._kept = list(self.parts), dict(self._kept)
        return twin

    def measure(
        self, name: str, modules: list[nn.Module], call: Callable[[], Any], flops: float = 0.0, kept: float = 0.0
    ) -> Any:
        """Call a part on the device 'meta', add its cost and return its result.

        Args:
            name (str): Name of the part.
            modules (list[nn.Module]): Modules whose weights the call uses.
            call (Callable): Runs the part.
            flops (float): FLOPs that the call leaves out, by a formula. Defaults to 0.
            kept (float): Bytes that the call leaves out, by a formula. Defaults to 0.
        """
        weights = {weight.untyped_storage()._cdata for module in modules for weight in module.state_dict().values()}
        found: list[int] = []

        def keep(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage._cdata not in weights and storage._cdata not in self._kept:
                self._kept[storage._cdata] = storage  # held, so that no other storage takes its place
                found.append(storage.nbytes())
            return tensor

        with FlopCounterMode(display=False) as counter, torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
            result = call()
        learns = torch.is_grad_enabled() and any(w.requires_grad for module in modules for w in module.parameters())
        total, passes = counter.get_total_flops() + flops, 3.0 if learns else 1.0
        bytes_kept = sum(found) + kept if learns else 0.0
        self.parts.append(PartCost(name, count_parameters(*modules), total, bytes_kept, passes))
        return result
