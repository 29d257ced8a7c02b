"""Files that are whole or absent, and loaders that never run code; without torch and mm packages."""

from .files import atomic_write, restricted_load, restricted_npz
from .npz import NpzError, read_npz

__all__ = ['NpzError', 'atomic_write', 'read_npz', 'restricted_load', 'restricted_npz']
