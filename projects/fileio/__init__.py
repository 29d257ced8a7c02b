"""Files that are whole or absent, and loaders that never run code. NumPy alone: no torch, no mm package."""

from .files import atomic_write, restricted_load, restricted_npz

__all__ = ['atomic_write', 'restricted_load', 'restricted_npz']
