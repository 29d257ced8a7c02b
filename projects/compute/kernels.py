"""The decorator of every numba kernel: compiled serially, kept on disk, and announced before the first compilation.

numba's cache on disk looks at the file of a kernel only, so a kernel that calls a helper of another file would keep
running old code after that file changed. Here the cache folder carries a digest of every source file that the kernel's
module is made of (``sources.py``).
"""

import logging
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import config as numba_config
from numba.core import event

from .sources import source_digest

#: Every kernel that was declared in this process.
KERNELS: list[Any] = []

_CONFIG: Any = numba_config  # numba sets its attributes from the environment
_LOGGER = logging.getLogger('geodistill3d')


def kernel(**options: Any) -> Callable[[Callable], Any]:
    """Decorator that compiles a function on its first call, without the GIL and for one thread.

    Args:
        **options: Of ``numba.njit``, for instance ``error_model`` and ``fastmath``.
    """

    def compile_lazily(function: Callable) -> Any:
        cache_dir = _cache_dir(function)
        previous = _CONFIG.CACHE_DIR
        _CONFIG.CACHE_DIR = cache_dir or previous
        try:
            compiled = numba.njit(nogil=True, cache=cache_dir is not None, **options)(function)
        finally:
            _CONFIG.CACHE_DIR = previous
        KERNELS.append(compiled)
        return compiled

    return compile_lazily


def _cache_dir(function: Callable) -> str | None:
    """Folder for the machine code of the kernels of a module; None when no place can be written.

    That is below ``NUMBA_CACHE_DIR``, else below ``__pycache__`` beside the module, else below the user's cache.
    """
    path = Path(function.__code__.co_filename)
    if not path.is_file():  # typed at a prompt
        return None
    folder = f'numba-{source_digest(function.__module__, path)}'
    user = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'geodistill3d'
    for root in [Path(_CONFIG.CACHE_DIR)] if _CONFIG.CACHE_DIR else [path.parent / '__pycache__', user]:
        try:
            (root / folder).mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=root / folder).close()
        except OSError:
            continue
        return str(root / folder)
    return None


class _Announcement(event.Listener):
    """One line before the first kernel of ours that is compiled and not read from the disk."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = False

    def on_start(self, event: event.Event) -> None:
        """Called by numba when a compilation begins."""
        with self._lock:
            dispatcher = event.data['dispatcher']
            if self._done or dispatcher not in KERNELS:
                return
            self._done = True
        kept = dispatcher.stats.cache_path is not None
        _LOGGER.warning(
            'compiling kernels for the CPU%s: this takes about 20 s on an idle core and longer on a busy one%s',
            ', once' if kept else ' for this process',
            '; tools/misc/compile_kernels.py does it ahead'
            if kept
            else ', because no folder for compiled kernels can be written; set NUMBA_CACHE_DIR to one',
        )

    def on_end(self, event: event.Event) -> None:
        """Called by numba when a compilation ends."""


event.register('numba:compile', _Announcement())
