"""Choice of the decompressor."""

import importlib.util
import os
from collections.abc import Callable
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=1)
def _numba_installed() -> bool:
    return importlib.util.find_spec('numba') is not None


def fast_inflate() -> Callable[[np.ndarray, int], np.ndarray] | None:
    """Compiled decompressor, or None (zlib) without numba or when ``GEODISTILL_NUMBA`` is ``0``."""
    if os.environ.get('GEODISTILL_NUMBA', '1') == '0' or not _numba_installed():
        return None
    from .inflate import inflate

    return inflate
