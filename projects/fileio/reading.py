"""Reading files as a whole, with their size looked at before."""

import json
import os
import stat
from typing import Any

from .limits import FILE_BYTES, JSON_BYTES, TEXT_BYTES, advice, exceeds, limit


class BadFileError(ValueError):
    """A file that cannot be used; the message names it and says what is wrong."""


def read_whole(path: str | os.PathLike, max_bytes: int = FILE_BYTES) -> bytes:
    """Content of a file.

    Args:
        path (str or PathLike): The file.
        max_bytes (int): Largest size. Defaults to ``FILE_BYTES``.

    Raises:
        FileNotFoundError: If the file does not exist.
        BadFileError: If it cannot be read, is no regular file, or is too large.
    """
    name = os.fspath(path)
    try:
        with open(name, 'rb') as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BadFileError(f'{name} is no regular file')
            if exceeds(status.st_size, max_bytes):
                raise BadFileError(
                    f'{name} has {status.st_size} bytes, more than the {limit(max_bytes)} that are expected; '
                    + advice(status.st_size / max_bytes)
                )
            return file.read()
    except FileNotFoundError:
        raise FileNotFoundError(f'{name} does not exist') from None
    except OSError as error:
        raise BadFileError(f'{name} cannot be read: {error.strerror or error}') from error


def read_text(path: str | os.PathLike) -> str:
    """Content of a text file in UTF-8.

    Raises:
        FileNotFoundError: If the file does not exist.
        BadFileError: If it is no such text.
    """
    try:
        return read_whole(path, TEXT_BYTES).decode('utf-8')
    except UnicodeDecodeError as error:
        raise BadFileError(
            f'{os.fspath(path)} is not text in UTF-8 ({error.reason} at byte {error.start}); write it in that '
            'encoding, or copy it again'
        ) from error


def parse_json(data: bytes | str, name: str, again: str = 'write or copy it again') -> Any:
    """Value of a JSON document.

    Args:
        data (bytes or str): The document.
        name (str): What errors call it.
        again (str): What to do about one that is damaged. Defaults to 'write or copy it again'.

    Raises:
        BadFileError: If it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise BadFileError(f'{name} is nested too deeply for JSON of ours; {again}') from None
    except ValueError as error:  # UnicodeDecodeError is one
        raise BadFileError(f'{name} is truncated, damaged or no JSON ({error}); {again}') from error


def read_json(path: str | os.PathLike, again: str = 'write or copy it again') -> Any:
    """Value of a JSON file; ``again`` as in :func:`parse_json`.

    Raises:
        FileNotFoundError: If the file does not exist.
        BadFileError: If it is no JSON, nested too deeply or too large.
    """
    return parse_json(read_whole(path, JSON_BYTES), os.fspath(path), again)
