"""Files of what scenes add to the scores of an arm.

Shape letters: S scenes.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from projects.fileio import NpzBytes, atomic_write, read_whole


def total(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Sums over all scenes."""
    return {name: value.sum(axis=0) for name, value in sums.items() if name != 'scenes'}


def write_sums(path: Path, sums: Mapping[str, np.ndarray]) -> None:
    """Keep what :meth:`ArmMeter.count` found; the file is whole or absent."""
    with atomic_write(path, 'wb') as file:
        np.savez_compressed(file, **{**sums, 'scenes': np.char.encode(sums['scenes'])})


def read_sums(path: Path) -> dict[str, np.ndarray]:
    """What :func:`write_sums` kept.

    Raises:
        FileNotFoundError: If the file does not exist.
        BadFileError: If it is damaged.
    """
    file = NpzBytes(read_whole(path), os.fspath(path))
    content = file.read(['scenes', *(key for key in file.keys() if key != 'scenes')])  # noqa: SIM118 - no mapping
    return {**content, 'scenes': np.char.decode(content['scenes'])}


def same_scenes(many: Iterable[Mapping[str, np.ndarray]]) -> None:
    """Check that all were measured on the same scenes.

    Raises:
        ValueError: If not.
    """
    lists = [list(sums['scenes']) for sums in many]
    if any(scenes != lists[0] for scenes in lists):
        raise ValueError('the runs were measured on different scenes; delete their scores and measure again')
