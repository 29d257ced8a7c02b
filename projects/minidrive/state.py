"""What ``OUT/.minidrive`` says about a data set: what it was made with, and which parts of it are whole.

``config.json`` holds format, preset, seed and version of the generator. A data set consists of parts: its scenes, and
the files that follow from all scenes. Each whole part has a record ``<part>.json`` with the size and the SHA-256 of
every file of it. Records carry their own SHA-256: a damaged one is known as such, and its part is made again.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projects.fileio import atomic_write

STATE = '.minidrive'
LOCK = 'lock'
_RECORD = b'{"sha256": "%b",\n"content": %b}\n'
_BLOCK = 1 << 20

Config = dict[str, str | int | float]
Files = dict[str, tuple[int, str]]
"""Size in bytes and SHA-256 of each file, by its path below the root."""


def _is_temporary(name: str) -> bool:
    return name.endswith('.part') or (name.startswith('.') and name.endswith('.tmp'))


def read_config(root: Path) -> Config:
    """What a data set was made with.

    Raises:
        FileNotFoundError: If the folder holds no MiniDrive data.
        ValueError: If the file is damaged.
    """
    path = root / STATE / 'config.json'
    try:
        config = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise ValueError(
            f'{path} is damaged, so nobody knows what {root} holds; delete that folder (the same command makes the '
            'same bytes again) or choose another one'
        )
    return config


def _seal(content: Any) -> bytes:
    body = json.dumps(content).encode()
    return _RECORD % (hashlib.sha256(body).hexdigest().encode(), body)


def _unseal(data: bytes) -> Any:
    """Content of a record, or None if a byte of it is not as it was written."""
    begin = len(_RECORD % (b'0' * 64, b'')) - len(b'}\n')
    body = data[begin:-2]
    intact = data == _RECORD % (hashlib.sha256(body).hexdigest().encode(), body)
    return json.loads(body) if intact else None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _describe(folder: Path) -> Files:
    """All files below a folder, which are on the disk then and not only in the memory of the system."""
    files = {}
    for path in sorted(p for p in folder.rglob('*') if p.is_file()):
        with path.open('rb') as file:
            os.fsync(file.fileno())
        files[path.relative_to(folder).as_posix()] = (path.stat().st_size, _sha256(path))
    return files


def publish(folder: Path, root: Path) -> None:
    """Move everything below a folder to the same place below ``root``; folders that are new there move as a whole."""
    for entry in sorted(folder.iterdir()):
        target = root / entry.name
        if not entry.is_dir():
            os.replace(entry, target)
            continue
        try:
            os.rename(entry, target)
        except OSError:  # it is there already, perhaps since this moment
            if not target.is_dir():
                raise
            publish(entry, target)


@dataclass(frozen=True)
class State:
    """State of a data set.

    Args:
        root (Path): Folder of the data set.
        config (dict): What it is made with; records of another config do not count.
    """

    root: Path
    config: Config

    @property
    def folder(self) -> Path:
        """Where all of this lies."""
        return self.root / STATE

    def _path(self, part: str) -> Path:
        return self.folder / f'{part}.json'

    def has_config(self) -> bool:
        """Whether the folder is known to hold this data set; changes nothing.

        Returns:
            bool: False if the config has to be written: the folder is absent, or holds only what a run leaves that was
                killed at once, or the bytes of its config are not those that the same words have today.

        Raises:
            ValueError: If the folder holds other data, or nobody knows what.
        """
        path = self._path('config')
        if self.root.exists() and not self.root.is_dir():
            raise ValueError(f'{self.root} is a file; name a folder')
        # Listed before the config is looked for: a run that starts beside this one writes it before all else.
        ours = self._names(self.folder, lambda name: not _is_temporary(name) and name != LOCK)
        others = self._names(self.root, lambda name: name != STATE)
        if not path.exists():
            if ours:
                raise ValueError(
                    f'{path} is missing, so nobody knows what {self.root} holds; delete that folder (the same command '
                    'makes the same bytes again) or choose another one'
                )
            if others:
                raise ValueError(
                    f'{self.root} is not empty and holds no MiniDrive data ({path} is missing); choose another folder'
                )
            return False
        found = read_config(self.root)
        if found != self.config:
            raise ValueError(
                f'{self.root} holds MiniDrive data of {found} ({path}), but {self.config} was asked for; '
                'choose another folder or delete it'
            )
        return path.read_bytes() == self._config_bytes()

    def _config_bytes(self) -> bytes:
        return json.dumps(self.config, indent=0).encode()

    @staticmethod
    def _names(folder: Path, wanted: Callable[[str], bool]) -> list[str]:
        return [p.name for p in folder.iterdir() if wanted(p.name)] if folder.is_dir() else []

    def write_config(self) -> None:
        """Say what the folder holds from now on."""
        with atomic_write(self._path('config')) as file:
            file.write(self._config_bytes())

    def clear_leftovers(self) -> None:
        """Remove what killed runs left unfinished; only for who holds the lock."""
        for path in [p for p in self.folder.iterdir() if _is_temporary(p.name)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    @contextlib.contextmanager
    def staging(self, part: str) -> Iterator[Path]:
        """A new empty folder on the same file system, whose name no other process has."""
        folder = Path(tempfile.mkdtemp(prefix=f'{part}.', suffix='.part', dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def withdraw(self, part: str) -> None:
        """From now on the part is not whole."""
        self._path(part).unlink(missing_ok=True)

    def publish(self, part: str, staging: Path, content: Any) -> None:
        """Move the files of a part to their places; then, and only then, it is whole.

        Args:
            part (str): Name of the part.
            staging (Path): Folder with its files.
            content (Any): What to keep with the record, as JSON.
        """
        files = _describe(staging)
        publish(staging, self.root)
        with atomic_write(self._path(part)) as file:
            file.write(_seal({'config': self.config, 'files': files, 'content': content}))

    def load(self, part: str, by_content: bool = False) -> tuple[Any, Files]:
        """What was kept with a part, and its files, if the part is whole.

        Args:
            part (str): Name of the part.
            by_content (bool): Whether to compare the SHA-256 of its files, besides names and sizes.

        Raises:
            FileNotFoundError: If there is no record of it, that is, the part was not finished.
            ValueError: If the record or a file of it is not as it was written; the message names it.
        """
        path = self._path(part)
        record = _unseal(path.read_bytes())
        if record is None:
            raise ValueError(f'{path} is damaged, or of an older version')
        if record['config'] != self.config:
            raise ValueError(f'{path} belongs to {record["config"]}')
        for name, (size, digest) in record['files'].items():
            file = self.root / name
            if not file.is_file():
                raise ValueError(f'{file} is missing')
            if file.stat().st_size != size:
                raise ValueError(f'{file} has {file.stat().st_size} bytes instead of {size}')
            if by_content and _sha256(file) != digest:
                raise ValueError(f'{file} is damaged (its SHA-256 is another)')
        return record['content'], record['files']
