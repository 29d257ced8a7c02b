"""Checkpoints that are written whole and hold plain data only."""

import errno
import hashlib
import os
import pickle
import zipfile
from collections import OrderedDict, deque
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from projects.fileio import BadFileError, atomic_write, check_stored_archive, file_below

from .checkpoint_content import CheckpointError, check_content, check_parts

_HISTORY = '__history_buffer__'
_UNREADABLE = (errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ENFILE, errno.EMFILE)
"""Errors of the operating system that say nothing about the content of a file."""
_PRIMITIVES = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device, torch.Size)


def to_plain(value: Any, where: str = '') -> Any:
    """Turn a state into containers, Python scalars and tensors, which ``torch.load(weights_only=True)`` accepts.

    NumPy scalars become Python scalars, arrays and sets become lists, a ``HistoryBuffer`` becomes two tensors
    (:func:`load_checkpoint_safe` makes it a buffer again).

    Args:
        value (Any): The state.
        where (str): Name of the value for the error message. Defaults to ''.

    Returns:
        Any: The plain state.

    Raises:
        TypeError: If the state holds an object of another kind; the message names its place.
    """
    if isinstance(value, torch.Tensor) or type(value) in _PRIMITIVES:
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return to_plain(value.tolist(), where)
    if isinstance(value, HistoryBuffer):
        logs, counts = value.data
        return {
            _HISTORY: True,
            'logs': torch.from_numpy(np.array(logs, dtype=np.float64)),
            'counts': torch.from_numpy(np.array(counts, dtype=np.int64)),
            'max_length': int(value.max_length),
        }
    if isinstance(value, Mapping):
        kind = OrderedDict if isinstance(value, OrderedDict) else dict
        return kind((to_plain(key, where), to_plain(item, f'{where}.{key}')) for key, item in value.items())
    if isinstance(value, (list, deque, set, frozenset)):
        return [to_plain(item, f'{where}[{i}]') for i, item in enumerate(value)]
    if isinstance(value, tuple):
        return tuple(to_plain(item, f'{where}[{i}]') for i, item in enumerate(value))
    if isinstance(value, (int, float, str)):
        return next(kind(value) for kind in (int, float, str) if isinstance(value, kind))
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f'{where or "state"} is a {type(value).__name__}, which a checkpoint cannot hold as plain data')


def _restore_history(value: Any, path: str) -> Any:
    """Undo :func:`to_plain` for history buffers."""
    if isinstance(value, dict):
        if value.get(_HISTORY) is True:
            return _history_buffer(value.get('logs'), value.get('counts'), value.get('max_length'), path)
        for key in value:
            value[key] = _restore_history(value[key], path)
    return value


def _history_buffer(logs: Any, counts: Any, max_length: Any, path: str) -> HistoryBuffer:
    arrays = [value.cpu().numpy() if isinstance(value, torch.Tensor) else value for value in (logs, counts)]
    kinds = [array.dtype.kind if isinstance(array, np.ndarray) and array.ndim == 1 else '' for array in arrays]
    if not (all(kind and kind in 'iuf' for kind in kinds) and len(arrays[0]) == len(arrays[1])):
        raise CheckpointError(f'{path} holds a history of losses that is not two lists of numbers of one length')
    if isinstance(max_length, bool) or not isinstance(max_length, int) or len(arrays[0]) > max_length:
        raise CheckpointError(f'{path} holds a history of {len(arrays[0])} losses with the length {max_length!r}')
    return HistoryBuffer(*arrays, max_length)


def save_checkpoint_atomic(checkpoint: dict, path: str | os.PathLike) -> None:
    """Write a checkpoint so that its name never shows a part of it.

    Args:
        checkpoint (dict): Tensors and plain data, see :func:`to_plain`.
        path (str or PathLike): Final name.
    """
    with atomic_write(path) as file:
        torch.save(checkpoint, file)


class _SavedHistory(HistoryBuffer):
    """``HistoryBuffer`` of an MMEngine checkpoint: its numbers are taken, the functions saved with them are not."""

    def __setstate__(self, state: dict) -> None:
        logs, counts, length = (state.get(key) for key in ('_log_history', '_count_history', 'max_length'))
        buffer = _history_buffer(logs, counts, length, 'the checkpoint')
        self.__init__(*buffer.data, buffer.max_length)  # type: ignore[misc]


class _SavedArray(np.ndarray):
    """Array of an MMEngine checkpoint: its size is that of its content, and it holds numbers."""

    def __new__(cls, *args: Any) -> '_SavedArray':
        raise pickle.UnpicklingError('Unsupported array without content')

    def __setstate__(self, state: tuple) -> None:
        dtype = state[2]
        if not isinstance(dtype, np.dtype) or dtype.kind not in 'biuf' or dtype.names or dtype.subdtype:
            raise pickle.UnpicklingError(f'Unsupported array of {dtype!r}')
        super().__setstate__(state)


def _empty_array(kind: Any, shape: Any, code: Any) -> np.ndarray:
    """Stand in for NumPy's reconstructor, which could be asked for an array of any size."""
    if kind is not _SavedArray or shape != (0,):
        raise pickle.UnpicklingError(f'Unsupported array of shape {shape}')
    return np.ndarray.__new__(_SavedArray, (0,), 'b')


def _discard(*args: Any) -> None:
    """Stand in for ``getattr``, with which MMEngine's checkpoints refer to methods."""


def _mmengine_globals() -> AbstractContextManager:
    """Let ``weights_only`` loading accept what MMEngine's own checkpoints hold, where torch can be told so (2.6)."""
    if not hasattr(torch.serialization, 'get_unsafe_globals_in_checkpoint'):
        return nullcontext()
    scalar = np.float64(0).__reduce__()[0]
    dtypes = [type(np.dtype(kind)) for kind in ('f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', '?')]
    stand_ins: list[Any] = [
        (_SavedArray, 'numpy.ndarray'),
        *((_empty_array, f'numpy.{core}.multiarray._reconstruct') for core in ('core', '_core')),
        *((scalar, f'numpy.{core}.multiarray.scalar') for core in ('core', '_core')),
        (_SavedHistory, 'mmengine.logging.history_buffer.HistoryBuffer'),
        (_discard, 'builtins.getattr'),
        (_discard, '__builtin__.getattr'),
    ]
    return torch.serialization.safe_globals([np.dtype, *dtypes, *stand_ins])


def _local_file(path: str) -> str:
    """Path of a checkpoint, downloaded to where ``torch.hub`` keeps files when it is an address."""
    if not path.startswith(('http://', 'https://')):
        return path
    name = os.path.basename(urlparse(path).path)
    try:
        cached = file_below(os.path.join(torch.hub.get_dir(), 'checkpoints'), name, '', 'end of the address', path)
        if not os.path.isfile(cached):
            os.makedirs(os.path.dirname(cached), exist_ok=True)
            torch.hub.download_url_to_file(path, cached)
    except (OSError, ValueError) as error:  # URLError and HTTPError are some
        raise CheckpointError(f'{path} cannot be downloaded ({error}); give the path of a file instead') from error
    return cached


def load_plain(path: str, map_location: Any) -> Any:
    """Content of a file of ``torch.save``, with the checksums of its parts verified, without running code.

    Raises:
        CheckpointError: If it does not have its checksums, holds itself, or stands for more bytes than it holds.
        Exception: Whatever ``torch.load`` raises.
    """
    with open(path, 'rb') as file:
        is_zip = file.read(4) == b'PK\x03\x04'  # else the format before torch 1.6, without checksums
    try:
        archived = check_stored_archive(path) if is_zip else None
    except BadFileError as error:
        raise CheckpointError(str(error)) from error
    with _mmengine_globals():
        content = torch.load(path, map_location=map_location, weights_only=True)
    check_content(content, path, archived)
    return content


def _read(path: str, map_location: Any) -> Any:
    if '://' in path:
        raise CheckpointError(
            f'{path}: only local files and http(s) addresses are loaded; download it and give its path'
        )
    if not os.path.isfile(path):
        raise FileNotFoundError(f'checkpoint {path} does not exist; give the path of a .pth file of tools/train.py')
    return load_plain(path, map_location)


def _refusal(error: Exception, path: str, again: str) -> CheckpointError:
    """What to say about a checkpoint whose reading raised an error; ``again`` is what to do if it is damaged."""
    lines = [line.strip() for line in str(error).split('\n') if line.strip()] or ['']
    reason = next((line for line in lines if 'Unsupported' in line), lines[0])
    if isinstance(error, OSError) and error.errno in _UNREADABLE:
        return CheckpointError(f'{path} cannot be read ({error.strerror}); it may be whole: see to its disk and rights')
    if isinstance(error, pickle.UnpicklingError) and zipfile.is_zipfile(path):
        return CheckpointError(
            f'{path} holds objects other than tensors and plain data, which could run code when loaded: {reason}'
        )
    return CheckpointError(
        f'{path} is truncated, corrupt or not a torch checkpoint ({type(error).__name__}: {reason.split(". ")[0]}); '
        f'{again}'
    )


def load_checkpoint_safe(path: str | os.PathLike, map_location: Any = 'cpu') -> dict:
    """Load a checkpoint with ``weights_only=True``.

    Args:
        path (str or PathLike): A local file or an http(s) address.
        map_location (Any): As in ``torch.load``. Defaults to 'cpu'.

    Returns:
        dict: Has at least ``state_dict`` (dict of tensors) and ``meta`` (dict).

    Raises:
        FileNotFoundError: If the file does not exist.
        CheckpointError: If the file is truncated or corrupt, does not have the checksums that were written with it,
            holds objects that could run code, unfolds to more than it holds, or is no checkpoint.
    """
    source = os.fspath(path)
    path = _local_file(source)
    again = 'delete it and use another checkpoint' if path == source else f'delete it: it comes from {source} again'
    try:
        checkpoint = _read(path, map_location)
    except (FileNotFoundError, CheckpointError):
        raise
    except Exception as error:  # any operation of a damaged file can go wrong
        raise _refusal(error, path, again) from error
    if isinstance(checkpoint, dict) and isinstance(checkpoint.get('state_dict'), dict):
        checkpoint.setdefault('meta', {})
    elif isinstance(checkpoint, dict) and checkpoint and all(torch.is_tensor(v) for v in checkpoint.values()):
        checkpoint = {'meta': {}, 'state_dict': checkpoint}
    else:
        found = sorted(map(str, checkpoint))[:8] if isinstance(checkpoint, dict) else type(checkpoint).__name__
        raise CheckpointError(f"{path} is not a checkpoint: expected a dict with 'state_dict', found {found}")
    check_parts(checkpoint, path)
    return _restore_history(checkpoint, path)


def file_sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    digest = hashlib.sha256()
    with Path(path).open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
