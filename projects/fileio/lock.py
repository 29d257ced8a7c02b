"""A lock on a folder that no dead process can hold."""

import errno
import json
import multiprocessing.reduction
import os
import socket
import time
import warnings
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
_POLL = 0.05


class FolderInUseError(RuntimeError):
    """Another process works in a folder; the message names both."""


class FolderLock:
    """Exclusive lock on a folder, for a ``with`` block.

    The lock is the kernel's (``flock``) and belongs to an open file. The kernel releases it when the last process that
    has this file open ends, however that happens, so a lock is never stale. Workers that get the lock object when they
    start (``initargs`` of a pool with the ``spawn`` method) hold it as well: after a kill, nobody else gets it before
    the last of them is gone. They must have ended when the block does. The file names the holder, and goes with the
    block.

    File systems without locks (some network and FUSE mounts) give a ``RuntimeWarning``, and the block runs unlocked.

    Args:
        folder (str or PathLike): The folder, as messages name it.
        path (str or PathLike): File that carries the lock, in a directory that exists.
        patience (float): Seconds to wait for workers of a holder that is gone. A holder that lives is not waited for.
            Defaults to 10.

    Attributes:
        held (bool): Whether the kernel holds the lock for this process.

    Raises:
        FolderInUseError: On entry, if another process holds the lock.
    """

    def __init__(self, folder: str | os.PathLike, path: str | os.PathLike, patience: float = 10.0) -> None:
        self.folder, self.path, self.patience = Path(folder), Path(path), patience
        self.held = False
        self._file = -1

    def __enter__(self) -> 'FolderLock':
        deadline = time.monotonic() + self.patience
        while not self._try():
            holder = self._read_holder()
            if _is_alive(holder) or time.monotonic() > deadline:
                raise FolderInUseError(
                    f'{self.folder} is in use by {_name(holder)}; wait until it has ended, or choose another folder'
                )
            time.sleep(_POLL)
        if self.held:
            self._write_holder()
        return self

    def __exit__(self, *_: object) -> None:
        if self.held:
            self.path.unlink(missing_ok=True)  # who has it open already finds out in _is_same_file()
            os.close(self._file)
        self.held, self._file = False, -1

    def __reduce__(self) -> tuple[Any, ...]:
        handle = multiprocessing.reduction.DupFd(self._file) if self.held else None  # type: ignore[attr-defined]
        return _InheritedLock, (handle,)

    def is_idle(self) -> bool:
        """Whether the last holder, if any, came to the end of its block."""
        return not self.path.exists()

    def _try(self) -> bool:
        """Take the lock unless somebody has it. Returns True also where there are no locks."""
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            _flock(file)
            self.held = _is_same_file(file, self.path)  # not so when it was removed in between
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self.path.unlink(missing_ok=True)
            warnings.warn(
                f'{self.folder} is on a file system without locks ({error.strerror}): see to it yourself that no other '
                'process writes there',
                RuntimeWarning,
                stacklevel=3,
            )
            return True
        finally:
            if not self.held:
                os.close(file)
        if self.held:
            self._file = file
        return self.held

    def _write_holder(self) -> None:
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps({'pid': os.getpid(), 'host': socket.gethostname()}).encode(), 0)
        except OSError as error:  # the disk is full
            self.__exit__()
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def _read_holder(self) -> dict[str, Any]:
        try:
            holder = json.loads(self.path.read_bytes())
            return {'pid': int(holder['pid']), 'host': str(holder['host'])}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}  # it has not written its name yet, or is just leaving


def _flock(file: int) -> None:
    if fcntl is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class _InheritedLock:
    """The lock in a worker: a file that is open as long as the worker lives."""

    def __init__(self, handle: Any) -> None:
        self._file = handle.detach() if handle is not None else -1


def _is_same_file(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _is_alive(holder: dict[str, Any]) -> bool:
    """Whether the main process of the holder lives; one on another host, which cannot be asked, counts as alive."""
    if not holder:
        return False
    if holder['host'] != socket.gethostname():
        return True
    try:
        os.kill(holder['pid'], 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _name(holder: dict[str, Any]) -> str:
    if not holder:
        return 'another process, which has not written its number'
    name = f'process {holder["pid"]} on {holder["host"]}'
    return name if _is_alive(holder) else f'workers of {name}, which is gone itself'
