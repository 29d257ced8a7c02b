"""Files that are whole or absent."""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)


def _temporary(path: Path) -> Path:
    """A name that no other writer has: processes of two containers, or hosts, may have one number."""
    return path.with_name(f'.{path.name}.{os.getpid()}.{secrets.token_hex(3)}.tmp')


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
        OSError: If the disk is full or the folder cannot be written to; the message names the final file.

    Examples:
        >>> with atomic_write('work_dirs/report.json', 'w') as f:
        ...     json.dump(report, f)
    """
    if mode not in ('wb', 'w'):
        raise ValueError(f"mode must be 'wb' or 'w', got {mode!r}")
    path = Path(path)
    temporary = _temporary(path)
    try:
        with naming_file(path, temporary):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, mode, encoding=None if mode == 'wb' else 'utf-8') as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_directory(path.parent)


def write_once(path: str | os.PathLike, text: str) -> bool:
    """Write a small file unless it is there: of several processes that write it at once, the first one wins.

    Args:
        path (str or PathLike): The file. Its directory is created when it is missing.
        text (str): Its content, in UTF-8.

    Returns:
        bool: Whether this process wrote it. False if the file was there; it is whole then and stays as it was.

    Raises:
        OSError: If the disk is full or the folder cannot be written to; the message names the file.
    """
    path = Path(path)
    temporary = _temporary(path)
    try:
        with naming_file(path, temporary):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, 'w', encoding='utf-8') as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            return _link_or_rename(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _link_or_rename(temporary: Path, path: Path) -> bool:
    """Give a file its name if that is free; on file systems without links, the look and the rename are two steps."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():
            return False
        os.replace(temporary, path)
    _sync_directory(path.parent)
    return True


def _full_disk(error: BaseException, path: Path) -> OSError | None:
    """The error of a full disk behind one that hides it: libraries of C++ say only that a write failed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return cause if cause.errno in (errno.ENOSPC, errno.EDQUOT) and cause is not error else None
        cause = cause.__cause__ or cause.__context__
    free = shutil.disk_usage(path.parent).free if isinstance(error, RuntimeError) and path.parent.is_dir() else 1
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if free == 0 else None


@contextlib.contextmanager
def naming_file(path: str | os.PathLike, temporary: str | os.PathLike | None = None) -> Iterator[None]:
    """Name what was written in errors of the operating system that name nothing, such as that of a full disk.

    Args:
        path (str or PathLike): The file, or a folder where nobody knows the file.
        temporary (str or PathLike | None): Another name of the file, which users need not read. Defaults to None.

    Raises:
        OSError: As inside the block, with the path.
    """
    try:
        yield
    except OSError as error:
        hidden = (None,) if temporary is None else (None, os.fspath(temporary), temporary)
        if error.errno is None or error.filename not in hidden:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    except Exception as error:
        full = _full_disk(error, Path(path))
        if full is None:
            raise
        raise OSError(full.errno, full.strerror, os.fspath(path)) from error


def _sync_directory(directory: Path) -> None:
    """Make a rename inside ``directory`` survive a power cut, where the system allows it."""
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
