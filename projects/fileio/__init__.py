"""Files that are whole or absent, loaders that never run code, locked folders; without torch and mm packages."""

from .files import atomic_write, restricted_load
from .lock import FolderInUseError, FolderLock
from .npz import NpzError, npz_keys, read_npy_bytes, read_npz, read_npz_bytes, read_whole
from .processes import start_worker

__all__ = [
    'FolderInUseError',
    'FolderLock',
    'NpzError',
    'atomic_write',
    'npz_keys',
    'read_npy_bytes',
    'read_npz',
    'read_npz_bytes',
    'read_whole',
    'restricted_load',
    'start_worker',
]
