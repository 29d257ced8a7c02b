"""How kernels for the CPU are compiled, kept on disk and announced. Torch-free; numba is imported on first use only."""

from .switch import numba_enabled

__all__ = ['numba_enabled']
