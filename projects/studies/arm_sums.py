"""Files of what scenes add to the scores of an arm.

Shape letters: S scenes.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from projects.fileio import BadFileError, NpzBytes, atomic_write, read_whole


def total(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Sums over all scenes."""
    return {name: value.sum(axis=0) for name, value in sums.items() if name != 'scenes'}


def write_sums(path: Path, sums: Mapping[str, np.ndarray]) -> None:
    """Keep what :meth:`ArmMeter.count` found; the file is whole or absent."""
    with atomic_write(path, 'wb') as file:
        np.savez_compressed(file, **{**sums, 'scenes': np.char.encode(sums['scenes'])})


def read_sums(path: Path, parts: Collection[str] = ()) -> dict[str, np.ndarray]:
    """What :func:`write_sums` kept.

    Args:
        path (Path): The file.
        parts (Collection[str]): Sums that it must have. Defaults to none.

    Raises:
        FileNotFoundError: If the file does not exist.
        BadFileError: If it is damaged, or lacks a part, as scores of an older version do.
    """
    file = NpzBytes(read_whole(path), os.fspath(path))
    missing = sorted({'scenes', *parts} - set(file.keys()))
    if missing:
        raise BadFileError(f'{path} lacks {missing}, as scores of another version do; delete it and measure again')
    content = file.read(['scenes', *(key for key in file.keys() if key != 'scenes')])  # noqa: SIM118 - no mapping
    return {**content, 'scenes': np.char.decode(content['scenes'])}


def same_scenes(many: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Check that all were measured on the same scenes.

    Args:
        many (Mapping): Sums by the name of their run.

    Raises:
        ValueError: If not; names those that differ from the first.
    """
    lists = {name: list(sums['scenes']) for name, sums in many.items()}
    first = next(iter(lists), '')
    others = [name for name, scenes in lists.items() if scenes != lists[first]]
    if others:
        raise ValueError(
            f'{", ".join(others)} and {first} were measured on different scenes; delete the scores of those that are '
            'not of the data at hand, and measure again'
        )
