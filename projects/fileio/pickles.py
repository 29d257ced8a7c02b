"""Pickles that can hold data but not code, and that ask for no more memory than they have content."""

import contextlib
import functools
import gc
import io
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .limits import INFO_BYTES, MAX_VALUES, VALUES_PER_BYTE
from .reading import read_whole
from .structure import check_structure

_Made = TypeVar('_Made')
_AGAIN = 'write it again with tools/create_data.py'
_CODE = (
    'Only Python containers and NumPy arrays of numbers and text are loaded, since a pickle could run code or ask for '
    'any amount of memory; write the file again with tools/create_data.py'
)
_NUMPY_MODULES = ('numpy.core.multiarray', 'numpy._core.multiarray', 'numpy.core.numeric', 'numpy._core.numeric')
_KINDS = 'biufcSU'
_LONGEST_RANGE = 1 << 20
_FEWEST_VALUES = 1 << 20
_FENCE_BYTES = 2 << 30
"""Memory for a pickle besides 64 times its own size, which the densest one (empty lists) unpacks to."""


class _RefusedError(pickle.UnpicklingError):
    """Something that a pickle may not hold."""


class _Maker:
    """What a pickle may call for an object: a function that it can neither change nor look into."""

    def __init__(self, make: Callable) -> None:
        self._make = make

    def __call__(self, *args: Any) -> Any:
        return self._make(*args)

    def __setstate__(self, state: Any) -> None:
        raise _RefusedError('refused state of a function')


def _set(kind: type, items: Any = ()) -> Any:
    # Of what is in the file already; a range of six bytes would become a set of any size.
    if type(items) not in (list, tuple, set, frozenset):
        raise _RefusedError(f'refused {kind.__name__} of a {type(items).__name__}')
    return kind(items)


def _bytearray(*args: Any) -> bytearray:
    if args and not isinstance(args[0], (bytes, str)):
        raise _RefusedError(f'refused bytearray of a {type(args[0]).__name__}')
    return bytearray(*args)


def _bytes(*args: Any) -> bytes:
    # How protocols below 3 write empty bytes.
    if args:
        raise _RefusedError(f'refused bytes of a {type(args[0]).__name__}')
    return b''


def _range(*args: Any) -> range:
    values = range(*args)
    if len(values[: _LONGEST_RANGE + 1]) > _LONGEST_RANGE:
        raise _RefusedError(f'refused {values}')
    return values


def _encode(text: str, encoding: str = 'utf-8') -> bytes:
    # How protocols below 3 write bytes.
    if encoding not in ('latin1', 'latin-1'):
        raise _RefusedError(f'refused encoding {encoding!r}')
    return text.encode('latin1')


def _complex(*args: Any) -> complex:
    return complex(*args)


def _slice(*args: Any) -> slice:
    return slice(*args)


_BUILTINS = {
    'set': _Maker(functools.partial(_set, set)),
    'frozenset': _Maker(functools.partial(_set, frozenset)),
    'bytes': _Maker(_bytes),
    'bytearray': _Maker(_bytearray),
    'range': _Maker(_range),
    'xrange': _Maker(_range),
    'complex': _Maker(_complex),
    'slice': _Maker(_slice),
}
_ENCODE = _Maker(_encode)


def _no_array(*args: Any) -> None:
    raise _RefusedError(f'refused an array of shape {args[:1]}')


_NDARRAY = _Maker(_no_array)
"""Stands for the class, which only :func:`_reconstruct` is given; called itself it would make an array of any size."""


def _reconstruct(kind: Any, shape: Any, code: Any) -> np.ndarray:
    # NumPy's pickles begin with an empty array; shape and content, which must agree, come as its state.
    if kind is not _NDARRAY or shape != (0,):
        raise _RefusedError(f'refused an array of shape {shape}')
    return np.ndarray((0,), 'b')


_RECONSTRUCT = _Maker(_reconstruct)


def _check_dtype(dtype: Any) -> None:
    """Refuse dtypes other than of numbers and text: objects, and records, whose fields can lie outside the array."""
    sound = isinstance(dtype, np.dtype) and dtype.kind in _KINDS and dtype.names is None and dtype.subdtype is None
    if not sound or dtype.itemsize < 0 or (dtype.kind == 'U' and dtype.itemsize % 4):
        raise _RefusedError(f'refused an array of {dtype!r}')


def _numpy_core(name: str) -> Any:
    """A module of NumPy's core (1.x or 2.x)."""
    core = 'numpy._core' if int(np.__version__.split('.')[0]) >= 2 else 'numpy.core'
    return import_module(f'{core}.{name}')


class _RestrictedUnpickler(pickle.Unpickler):
    """Unpickler that knows Python containers and NumPy arrays, and refuses everything else."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.dtypes: list[np.dtype] = []
        self._numpy = {
            'dtype': _Maker(self._dtype),
            'scalar': _Maker(self._scalar),
            '_frombuffer': _Maker(self._frombuffer),
            '_reconstruct': _RECONSTRUCT,
            'ndarray': _NDARRAY,
        }

    def find_class(self, module: str, name: str) -> Any:
        if module in ('builtins', '__builtin__') and name in _BUILTINS:
            return _BUILTINS[name]
        if (module, name) == ('_codecs', 'encode'):
            return _ENCODE
        if (module, name) == ('collections', 'OrderedDict'):
            return super().find_class(module, name)
        if (module == 'numpy' and name in ('ndarray', 'dtype')) or (
            module in _NUMPY_MODULES and name in ('_reconstruct', 'scalar', '_frombuffer')
        ):
            return self._numpy[name]
        raise _RefusedError(f'refused global {module}.{name}')

    def _dtype(self, spec: Any, align: Any = False, copy: Any = True) -> np.dtype:
        if not isinstance(spec, str):
            raise _RefusedError(f'refused dtype {spec!r}')
        dtype = np.dtype(spec, False, True)  # a copy, since the state that follows changes it
        _check_dtype(dtype)
        self.dtypes.append(dtype)
        return dtype

    def _scalar(self, dtype: Any, data: Any) -> Any:
        _check_dtype(dtype)
        return _numpy_core('multiarray').scalar(dtype, data)

    def _frombuffer(self, data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
        _check_dtype(dtype)
        return np.frombuffer(data, dtype).reshape(shape, order=order)

    def load(self) -> Any:
        """Load, and check that no state has made an array type into one that is refused."""
        data = super().load()
        for dtype in self.dtypes:
            _check_dtype(dtype)
        return data


@contextlib.contextmanager
def _memory_fence(size: int) -> Iterator[None]:
    """Let this process grow by what ``size`` bytes of pickle can honestly need, and no more, inside the block.

    Ten bytes can ask the unpickler for a table of 64 GiB (``LONG_BINPUT``); no look at its input is cheap enough to
    rule that out. Linux only, and only where no other Python thread would be held by the limit of the process.
    """
    try:
        import resource

        pages = int(Path('/proc/self/statm').read_text().split()[0])
    except (ImportError, OSError, ValueError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = pages * resource.getpagesize() + 64 * size + _FENCE_BYTES
    if threading.active_count() > 1 or (soft != resource.RLIM_INFINITY and soft <= wanted):
        yield
        return
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """Load data without the garbage collector, which would look at all objects again and again: 3/4 of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def compact_copy(make: Callable[[], _Made]) -> _Made:
    """A small part of something large, in memory of its own.

    Python gives memory back by the megabyte. What is kept of a thousand items of an info file lies in as many of these
    and would hold them all, so a copy is made when they are gone.

    Args:
        make (Callable): Reads the large thing, and returns the part of it that is kept, which must be picklable.

    Examples:
        >>> tokens = compact_copy(lambda: [item['token'] for item in restricted_load(path)['data_list']])
    """
    return pickle.loads(pickle.dumps(make(), pickle.HIGHEST_PROTOCOL))


def _load(content: bytes, name: str) -> Any:
    try:
        with _memory_fence(len(content)):
            return _RestrictedUnpickler(io.BytesIO(content)).load()
    except _RefusedError as error:
        raise ValueError(f'{name}: {error}. {_CODE}') from None
    except pickle.UnpicklingError as error:
        raise ValueError(f'{name} is not a whole pickle ({error}); {_AGAIN}') from error
    except MemoryError:
        raise ValueError(f'{name} asks for more memory than its {len(content)} bytes can need; {_AGAIN}') from None
    except Exception as error:  # any operation of a damaged pickle can go wrong
        raise ValueError(f'{name} is truncated or corrupt ({type(error).__name__}: {error}); {_AGAIN}') from error


def restricted_load(source: str | os.PathLike | bytes) -> Any:
    """Load a pickle that holds only Python containers, scalars, strings and NumPy arrays.

    A pickle can run any code when it is loaded. This loader refuses each global that is not a container or a
    NumPy reconstructor (module paths of NumPy 1 and 2), so a downloaded info file cannot run anything. What it may
    call makes objects of the size of their content only, and data that unfolds without end is refused.

    Args:
        source (str, PathLike or bytes): Path of the pickle, or its bytes.

    Returns:
        Any: The loaded object.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is truncated, corrupt or too large, names a refused global, or holds itself; the
            message says which.
    """
    if isinstance(source, bytes):
        name, content = '<bytes>', source
    else:
        name = os.fspath(source)
        if not os.path.isfile(name):
            raise FileNotFoundError(f'{name} does not exist; create the info files with tools/create_data.py')
        content = read_whole(name, INFO_BYTES)
    with no_collection():
        data = _load(content, name)
        check_structure(data, name, min(MAX_VALUES, _FEWEST_VALUES + VALUES_PER_BYTE * len(content)))
    return data
