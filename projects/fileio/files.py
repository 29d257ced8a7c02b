"""Files that are whole or absent, and pickles that can hold data but not code."""

import contextlib
import io
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

_BUILTINS = ('set', 'frozenset', 'complex', 'bytearray', 'slice', 'range')
_WRITE_AGAIN = 'write it again with tools/create_data.py'
_NUMPY_MODULES = ('numpy.core.multiarray', 'numpy._core.multiarray', 'numpy.core.numeric', 'numpy._core.numeric')


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike, mode: str = 'wb') -> Iterator[IO]:
    """Open a file for writing that appears under its name only when it is complete.

    The data goes to a hidden temporary file in the same directory, is flushed to the disk and then renamed.
    When the block raises, the temporary file is removed and an older file of that name stays as it was.

    Args:
        path (str or PathLike): Final name. Its directory is created when it is missing.
        mode (str): ``'wb'`` or ``'w'``. Defaults to ``'wb'``.

    Yields:
        IO: The open temporary file.

    Raises:
        ValueError: If the mode is not one of the two.

    Example:
        >>> with atomic_write('work_dirs/report.json', 'w') as f:
        ...     json.dump(report, f)
    """
    if mode not in ('wb', 'w'):
        raise ValueError(f"mode must be 'wb' or 'w', got {mode!r}")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        with open(temporary, mode, encoding=None if mode == 'wb' else 'utf-8') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    """Make a rename inside ``directory`` survive a power cut, where the system allows it."""
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class _RestrictedUnpickler(pickle.Unpickler):
    """Unpickler that knows Python containers and NumPy arrays, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if module in ('builtins', '__builtin__') and name in _BUILTINS:
            return super().find_class(module, name)
        if (module, name) in (('collections', 'OrderedDict'), ('_codecs', 'encode')):
            return super().find_class(module, name)
        if module == 'numpy' and name in ('ndarray', 'dtype'):
            return super().find_class(module, name)
        if module in _NUMPY_MODULES and name in ('_reconstruct', 'scalar', '_frombuffer'):
            return self._find_numpy(module, name)
        raise pickle.UnpicklingError(f'refused global {module}.{name}')

    def _find_numpy(self, module: str, name: str) -> Any:
        """Look a reconstructor up under the module path of the installed NumPy (1.x or 2.x)."""
        core = 'numpy._core' if int(np.__version__.split('.')[0]) >= 2 else 'numpy.core'
        return super().find_class(f'{core}.{module.rsplit(".", 1)[1]}', name)


def restricted_load(source: str | os.PathLike | bytes) -> Any:
    """Load a pickle that holds only Python containers, scalars, strings and NumPy arrays.

    A pickle can run any code when it is loaded. This loader refuses each global that is not a container or a
    NumPy reconstructor (module paths of NumPy 1 and 2), so a downloaded info file cannot run anything.

    Args:
        source (str, PathLike or bytes): Path of the pickle, or its bytes.

    Returns:
        Any: The loaded object.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is truncated or corrupt, or names a refused global; the message says which.
    """
    if isinstance(source, bytes):
        name, stream = '<bytes>', io.BytesIO(source)
    else:
        name = os.fspath(source)
        if not os.path.isfile(name):
            raise FileNotFoundError(f'{name} does not exist; create the info files with tools/create_data.py')
        stream = io.BytesIO(Path(name).read_bytes())
    try:
        return _RestrictedUnpickler(stream).load()
    except pickle.UnpicklingError as error:
        if 'refused global' in str(error):
            raise ValueError(
                f'{name}: {error}. Only Python containers and NumPy arrays are loaded, since a pickle could run '
                f'code; write the file again with tools/create_data.py'
            ) from None
        raise ValueError(f'{name} is not a whole pickle ({error}); {_WRITE_AGAIN}') from error
    except (EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{name} is truncated or corrupt ({type(error).__name__}: {error}); {_WRITE_AGAIN}') from error
