"""Bins along rays, which a render has a weight for, and what is known of the rays before a volume is.

Shape letters: B batch, R rays per batch element, N = B*R rays, S bins per ray.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

#: RadOcc's samples: every 0.2 m from the camera to 57.4 m (half a voxel; author code, see the README of radocc).
DEFAULT_T_RANGE = (0.0, 57.4)
DEFAULT_STEP = 0.2


@dataclass(frozen=True)
class RayBins:
    """Rays and their bins, for a grid; what a field reads along them is in the subclasses.

    Args:
        t_starts (Tensor): Start of each bin in ray parameter. Shape (1, S), or (N, S) when jittered.
        t_ends (Tensor): End of each bin. Same shape.
        ray_lengths (Tensor): Metres per unit of ray parameter, i.e. the norm of the direction. Shape (B, R).
        grid_shape (Tensor): (X, Y, Z) of the grid, on the CPU. Shape (3,), int64.
    """

    t_starts: Tensor
    t_ends: Tensor
    ray_lengths: Tensor
    grid_shape: Tensor

    @property
    def num_samples(self) -> int:
        """Bins per ray, S."""
        return self.t_starts.shape[-1]


def uniform_samples(
    t_range: tuple[float, float] = DEFAULT_T_RANGE,
    step: float = DEFAULT_STEP,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Equal samples over a fixed range of ray parameter.

    Args:
        t_range (tuple[float, float]): First start and last end, in metres of z-depth. Defaults to (0, 57.4).
        step (float): Length of a sample. Defaults to 0.2.
        device (torch.device | str, optional): Device of the result.
        dtype (torch.dtype): Dtype of the result. Defaults to float32.

    Returns:
        tuple[Tensor, Tensor]: ``t_starts`` and ``t_ends``, each (S,) with S = round(range / step).

    Raises:
        ValueError: If the range is empty or the step is not positive.
    """
    if step <= 0 or t_range[1] <= t_range[0]:
        raise ValueError(f'need step > 0 and t_range[0] < t_range[1], got step={step}, t_range={tuple(t_range)}')
    count = max(1, round((t_range[1] - t_range[0]) / step))
    edges = t_range[0] + step * torch.arange(count + 1, device=device, dtype=dtype)
    return edges[:-1], edges[1:]


def jitter_samples(t_starts: Tensor, t_ends: Tensor, num_rays: int) -> tuple[Tensor, Tensor]:
    """Shift all samples of a ray by one random part of their own length (stratified sampling).

    Args:
        t_starts (Tensor): Shape (S,).
        t_ends (Tensor): Shape (S,).
        num_rays (int): N. Drawn from the global torch generator of the device.

    Returns:
        tuple[Tensor, Tensor]: ``t_starts`` and ``t_ends``, each (N, S). The samples stay adjacent.
    """
    shift = (torch.rand(num_rays, 1, device=t_starts.device, dtype=t_starts.dtype) - 0.5) * (t_ends - t_starts)[:1]
    return t_starts + shift, t_ends + shift
