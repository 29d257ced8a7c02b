"""Whether numba kernels run."""

import importlib.util
import os
from functools import lru_cache


@lru_cache(maxsize=1)
def _numba_installed() -> bool:
    return importlib.util.find_spec('numba') is not None


def numba_enabled() -> bool:
    """Whether numba is installed and the environment variable ``GEODISTILL_NUMBA`` is not ``0``."""
    return os.environ.get('GEODISTILL_NUMBA', '1') != '0' and _numba_installed()
