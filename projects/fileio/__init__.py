"""Files that are whole or absent, and loaders that never run code; without torch and mm packages."""

from .files import atomic_write, restricted_load
from .npz import NpzError, npz_keys, read_npy_bytes, read_npz, read_npz_bytes, read_whole

__all__ = [
    'NpzError',
    'atomic_write',
    'npz_keys',
    'read_npy_bytes',
    'read_npz',
    'read_npz_bytes',
    'read_whole',
    'restricted_load',
]
