"""Depth bins of a lift: where they begin, and which one a depth falls into.

Shape letters: D depth bins.
"""

import math

import torch
from torch import Tensor

from projects.compute.asynchronous import constant

SPACINGS = ('even', 'log')


def growth(depth_range: tuple[float, float, float]) -> float:
    """Logarithm of the depth at the end of a widening bin over that at its start.

    FlashOcc M2 (``sid`` in its code) has as many bins as evenly spaced ones would be; the last one begins a metre
    before the end of the range.

    Args:
        depth_range (tuple[float, float, float]): Start, end and step of evenly spaced bins in metres.
    """
    start, end, step = depth_range
    return math.log((end - 1) / start) / (round((end - start) / step) - 1)


def bin_depths(depth_range: tuple[float, float, float], spacing: str, at: float) -> Tensor:
    """Depth of each bin.

    Args:
        depth_range (tuple[float, float, float]): Start, end and step of evenly spaced bins in metres.
        spacing (str): 'even' for bins of one step, 'log' for as many that widen with the depth.
        at (float): Place in the bin: 0 for its near side, 0.5 for its middle (of the logarithm, if 'log').

    Returns:
        Tensor: Metres. Shape (D,).

    Raises:
        ValueError: If ``spacing`` is neither.
    """
    if spacing not in SPACINGS:
        raise ValueError(f'depth_spacing must be one of {SPACINGS}, got {spacing!r}')
    start, end, step = depth_range
    places = torch.arange(round((end - start) / step))
    if spacing == 'even':
        near = start + step * places
        return near + at * step if at else near
    return start * torch.exp((places + at) * growth(depth_range))


def bin_numbers(depth: Tensor, depth_range: tuple[float, float, float], spacing: str) -> Tensor:
    """Number of the bin that a depth falls into.

    Args:
        depth (Tensor): z-depth in metres, positive or infinite.
        depth_range (tuple[float, float, float]): Start, end and step of evenly spaced bins in metres.
        spacing (str): See :func:`bin_depths`.

    Returns:
        Tensor: int64, -1 outside of the range. Shape as ``depth``.
    """
    start, end, step = depth_range
    places = (depth - start) / step if spacing == 'even' else (depth / start).log() / growth(depth_range)
    # What lies before the start has a negative place.
    numbers = torch.where(depth < end, places, constant([-1.0], places)).floor()
    return numbers.clamp(-1, round((end - start) / step) - 1).long()
