"""How the calls of a benchmark are timed, and their memory seen, on the CPU and on a GPU."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from .machine import copy_bandwidth, peak_memory_mb, wall_seconds


class CpuMeter:
    """Wall clock, and memory of the process."""

    device = torch.device('cpu')

    def seconds(self, function: Callable[..., Any], arguments: tuple = ()) -> float:
        """Seconds of a call."""
        return wall_seconds(function, arguments)

    def peak_mb(self, function: Callable[[], Any]) -> float:
        """Largest memory during a call, above what was there before it, in MiB."""
        return peak_memory_mb(function)

    def bandwidth(self, num_bytes: float) -> float:
        """Bytes per second of a copy, see :func:`copy_bandwidth`."""
        return copy_bandwidth(num_bytes)

    def facts(self) -> dict[str, Any]:
        """What is said of the device beside every table, more than of the machine."""
        return {}


@dataclass(frozen=True)
class CudaMeter:
    """Events of the device, and memory of PyTorch's allocator.

    The device is idle when the first event is recorded, so the time of a call that is bound by the host is that of the
    host.

    Args:
        device (torch.device): The GPU.
        cuda (Any): ``torch.cuda``, or what stands in for it in a test.
    """

    device: torch.device
    cuda: Any = torch.cuda

    def seconds(self, function: Callable[..., Any], arguments: tuple = ()) -> float:
        """Seconds of a call, from before its first launch to the end of its last kernel."""
        begin, end = (self.cuda.Event(enable_timing=True) for _ in range(2))
        self.cuda.synchronize(self.device)
        begin.record()
        result = function(*arguments)
        end.record()
        end.synchronize()
        del result
        return begin.elapsed_time(end) / 1e3

    def peak_mb(self, function: Callable[[], Any]) -> float:
        """Most memory that tensors had during a call, above what they had before it, in MiB."""
        before = self.cuda.memory_allocated(self.device)
        self.cuda.reset_peak_memory_stats(self.device)
        function()
        self.cuda.synchronize(self.device)
        return (self.cuda.max_memory_allocated(self.device) - before) / 2**20

    def bandwidth(self, num_bytes: float) -> float:
        """Bytes per second of a copy on the device, see :func:`copy_bandwidth`."""
        return copy_bandwidth(num_bytes, self.seconds, self.device)

    def facts(self) -> dict[str, Any]:
        """Name of the GPU, version of CUDA, and bandwidth."""
        return {
            'gpu': self.cuda.get_device_name(self.device),
            'cuda': torch.version.cuda,
            'gpu_copy_gib_s_256mb': round(self.bandwidth(2**28) / 2**30, 1),
        }


def meter_of(device: str) -> CpuMeter | CudaMeter:
    """The meter of a device that can be used."""
    return CudaMeter(torch.device(device)) if torch.device(device).type == 'cuda' else CpuMeter()


def described(facts: Mapping[str, Any]) -> str:
    """:meth:`CudaMeter.facts` in words, empty for the CPU."""
    if not facts.get('gpu'):
        return ''
    return f'; {facts["gpu"]}, CUDA {facts["cuda"]}, copy {facts["gpu_copy_gib_s_256mb"]} GiB/s (256 MB)'
