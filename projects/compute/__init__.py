"""What all packages compute with: numba kernels, their threads, precision, means, and which kernels read a tensor.

``kernels``, ``pool``, ``prefetch``, ``sources`` and ``switch`` are free of torch, and so is this module, which imports
no numba either. ``asynchronous``, ``means``, ``precision``, ``tensors`` and ``threads`` need torch and are imported by
name.
"""

from .switch import numba_enabled

__all__ = ['numba_enabled']
