"""Checkpoints that are written whole and hold plain data only."""

import hashlib
import os
import pickle
import zipfile
from collections import OrderedDict, deque
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from projects.fileio import atomic_write

_HISTORY = '__history_buffer__'
_PRIMITIVES = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device, torch.Size)


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names the file and says what to do."""


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


def _restore_history(value: Any) -> Any:
    """Undo :func:`to_plain` for history buffers."""
    if isinstance(value, dict):
        if value.get(_HISTORY):
            return HistoryBuffer(value['logs'].tolist(), value['counts'].tolist(), value['max_length'])
        for key in value:
            value[key] = _restore_history(value[key])
    return value


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
        self.__init__(state['_log_history'], state['_count_history'], state['max_length'])  # type: ignore[misc]


def _discard(*args: Any) -> None:
    """Stand in for ``getattr``, with which MMEngine's checkpoints refer to methods."""


def _mmengine_globals() -> AbstractContextManager:
    """Let ``weights_only`` loading accept what MMEngine's own checkpoints hold, where torch can be told so (2.6)."""
    if not hasattr(torch.serialization, 'get_unsafe_globals_in_checkpoint'):
        return nullcontext()
    reconstructors: list[Any] = [np.zeros(1).__reduce__()[0], np.float64(0).__reduce__()[0]]
    dtypes = [type(np.dtype(kind)) for kind in ('f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', '?')]
    stand_ins: list[Any] = [
        (_SavedHistory, 'mmengine.logging.history_buffer.HistoryBuffer'),
        (_discard, 'builtins.getattr'),
        (_discard, '__builtin__.getattr'),
    ]
    return torch.serialization.safe_globals([np.ndarray, np.dtype, *reconstructors, *dtypes, *stand_ins])


def _read(path: str, map_location: Any) -> Any:
    if path.startswith(('http://', 'https://')):
        with _mmengine_globals():
            return torch.hub.load_state_dict_from_url(path, map_location=map_location, weights_only=True)
    if '://' in path:
        raise CheckpointError(
            f'{path}: only local files and http(s) addresses are loaded; download it and give its path'
        )
    if not os.path.isfile(path):
        raise FileNotFoundError(f'checkpoint {path} does not exist; give the path of a .pth file of tools/train.py')
    with _mmengine_globals():
        return torch.load(path, map_location=map_location, weights_only=True)


def load_checkpoint_safe(path: str | os.PathLike, map_location: Any = 'cpu') -> dict:
    """Load a checkpoint with ``weights_only=True``.

    Args:
        path (str or PathLike): A local file or an http(s) address.
        map_location (Any): As in ``torch.load``. Defaults to 'cpu'.

    Returns:
        dict: Has at least ``state_dict`` (dict of tensors) and ``meta`` (dict).

    Raises:
        FileNotFoundError: If the file does not exist.
        CheckpointError: If the file is truncated or corrupt, holds objects that could run code, or is no checkpoint.
    """
    path = os.fspath(path)
    try:
        checkpoint = _read(path, map_location)
    except (FileNotFoundError, CheckpointError):
        raise
    except (EOFError, RuntimeError, OSError, zipfile.BadZipFile, KeyError, pickle.UnpicklingError, ValueError) as error:
        lines = [line.strip() for line in str(error).split('\n') if line.strip()] or ['']
        reason = next((line for line in lines if 'Unsupported' in line), lines[0])
        if isinstance(error, pickle.UnpicklingError) and zipfile.is_zipfile(path):
            raise CheckpointError(
                f'{path} holds objects other than tensors and plain data, which could run code when loaded: {reason}'
            ) from error
        raise CheckpointError(
            f'{path} is truncated, corrupt or not a torch checkpoint '
            f'({type(error).__name__}: {reason.split(". ")[0]}); delete it and use another checkpoint'
        ) from error
    if isinstance(checkpoint, dict) and isinstance(checkpoint.get('state_dict'), dict):
        checkpoint.setdefault('meta', {})
    elif isinstance(checkpoint, dict) and checkpoint and all(torch.is_tensor(v) for v in checkpoint.values()):
        checkpoint = {'meta': {}, 'state_dict': checkpoint}
    else:
        found = sorted(map(str, checkpoint))[:8] if isinstance(checkpoint, dict) else type(checkpoint).__name__
        raise CheckpointError(f"{path} is not a checkpoint: expected a dict with 'state_dict', found {found}")
    return _restore_history(checkpoint)


def file_sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    digest = hashlib.sha256()
    with Path(path).open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
