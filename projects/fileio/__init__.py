"""Files that are whole or absent, and loaders that never run code; without torch and mm packages."""

from .files import atomic_write, restricted_load, restricted_npz
from .npz import NpzError, npz_keys, read_npz, read_npz_bytes

__all__ = ['NpzError', 'atomic_write', 'npz_keys', 'read_npz', 'read_npz_bytes', 'restricted_load', 'restricted_npz']
