"""The ``kernel`` decorator: numba compilation with a cache that follows the source of the whole package.

numba keys its disk cache on the file of a function alone, so a kernel that calls a kernel of another file would keep
running old code after that file changed. Here the cache folder carries a digest of every source file of the package.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numba
from numba.core import config

_FASTMATH = {'contract', 'reassoc', 'arcp', 'nsz'}  # infinities keep their meaning
_PACKAGE = Path(__file__).parent


def _source_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.glob('*.py')):
        digest.update(path.name.encode() + b'\0' + path.read_bytes())
    return digest.hexdigest()[:16]


def _cache_dir() -> str:
    root = Path(config.CACHE_DIR) if config.CACHE_DIR else _PACKAGE / '__pycache__'
    if not config.CACHE_DIR and not os.access(_PACKAGE, os.W_OK):
        root = Path.home() / '.cache' / 'minidrive'
    return str(root / f'numba-{_source_digest()}')


_CACHE_DIR = _cache_dir()


def _compile(function: Callable, **options: object) -> Callable:
    previous = config.CACHE_DIR
    config.CACHE_DIR = _CACHE_DIR
    try:
        return numba.njit(cache=True, nogil=True, error_model='numpy', fastmath=_FASTMATH, **options)(function)
    finally:
        config.CACHE_DIR = previous


def kernel(function: Callable) -> Callable:
    """Compile ``function`` serially, without the GIL, cached under the digest of the package."""
    return _compile(function)


def pure_kernel(function: Callable) -> Callable:
    """Compile a ``function`` that makes and returns no arrays, without reference counting.

    Passing a tuple of arrays to a counted function touches every counter, which costs more than a ray test.
    """
    return _compile(function, _nrt=False)
