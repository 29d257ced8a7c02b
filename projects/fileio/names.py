"""File names made of tokens and frame ids, which come from files that anyone may have written, and lists of names."""

import os
import re
from collections.abc import Sequence

LONGEST_NAME = 200
"""Bytes of one part of a path: most file systems end at 255, and temporary names add up to 30."""
_CONTROL = re.compile(r'[\x00-\x1f\x7f]')


def name_problem(name: object, parts: int = 1) -> str | None:
    """Say why a name must not become part of a path below some folder.

    Args:
        name (object): Token, frame id, or name of a member of an archive.
        parts (int): How many names with slashes between them it may have. Defaults to 1 (no slash).

    Returns:
        str or None: The reason; None for a name that stays below the folder on every system.
    """
    if not isinstance(name, str):
        return f'it is {type(name).__name__}, not text'
    if not name:
        return 'it is empty'
    if _CONTROL.search(name):
        return 'it holds control characters'
    if '\\' in name or ':' in name:
        return 'it is a path of another system'
    if name.startswith('/'):
        return 'it is an absolute path'
    found = name.split('/')
    if any(part in ('.', '..') for part in found):
        return 'it leads out of its folder'
    if '' in found or any(part.startswith('.') for part in found):
        return 'one of its parts is empty or begins with a dot'
    if len(found) > parts:
        return f'it has {len(found)} parts between slashes, expected {f"at most {parts}" if parts > 1 else "no slash"}'
    try:
        longest = max(len(part.encode()) for part in found)
    except UnicodeEncodeError:
        return 'it holds characters that no file name can have'
    return f'it has {longest} bytes, more than the {LONGEST_NAME} of a file name' if longest > LONGEST_NAME else None


def check_name(name: object, what: str, source: str, parts: int = 1) -> str:
    """Return a token that can become a file name.

    Args:
        name (object): The token.
        what (str): What it is, for the message: 'token', 'frame_id', ...
        source (str): File, or other place, that gave it.
        parts (int): How many names with slashes between them it may have. Defaults to 1.

    Raises:
        ValueError: If it cannot; the message names the source.
    """
    problem = name_problem(name, parts)
    if problem:
        shown = repr(name) if len(repr(name)) <= 80 else f'{repr(name)[:77]}...'
        raise ValueError(f'{source}: {what} {shown} cannot be a file name: {problem}; files are named by it')
    return str(name)


def file_below(
    folder: str | os.PathLike, name: object, suffix: str, what: str = 'token', source: str = '', parts: int = 1
) -> str:
    """Path of the file of a token inside a folder, and never outside.

    Args:
        folder (str or PathLike): The folder.
        name (object): Token or frame id.
        suffix (str): End of the file name, such as ``'.png'``.
        what (str): What the name is, for the message. Defaults to 'token'.
        source (str): File that gave the name, for the message. Defaults to '' (the folder is named).
        parts (int): How many names with slashes between them it may have. Defaults to 1; frame ids of KITTI have 2,
            ``2011_09_26_drive_0002_sync/0000000069``.

    Returns:
        str: ``<folder>/<name><suffix>``.

    Raises:
        ValueError: If the name could lead out of the folder or is no file name on some system.

    Examples:
        >>> file_below('submission', '0a0b', '.npz')
        'submission/0a0b.npz'
    """
    name = check_name(name, what, source or f'files for {os.fspath(folder)}', parts)
    return os.path.join(folder, f'{name}{suffix}')


def list_names(names: Sequence[str], shown: int = 20) -> str:
    """The first names of a list, and how many more there are, for a message.

    Args:
        names (Sequence[str]): At least one.
        shown (int): How many are named. Defaults to 20.

    Examples:
        >>> list_names(['a', 'b', 'c', 'd'], shown=2)
        'a, b and 2 more'
    """
    more = f' and {len(names) - shown} more' if len(names) > shown else ''
    return ', '.join(names[:shown]) + more
