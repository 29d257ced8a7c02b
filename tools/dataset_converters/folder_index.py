"""What is on disk, asked for in as few calls as a network file system deserves."""

import os
import os.path as osp
from collections.abc import Iterable

from tqdm import tqdm

_PATIENCE = 2.0
"""Seconds before a search shows a bar."""


class FolderIndex:
    """Existence of files below a root, with one listing for each folder instead of one call for each file.

    Args:
        root (str): The root.
        lone (str): Folder below it in which each file has a folder of its own, such as the labels of Occ3D: there each
            file is looked for by itself. Defaults to '' (none).
    """

    def __init__(self, root: str, lone: str = '') -> None:
        self.root = root
        self.lone = f'{lone}/' if lone else None
        self._folders: dict[str, set[str]] = {}
        self._files: dict[str, bool] = {}

    def has(self, path: str) -> bool:
        """Whether ``path``, relative to the root, is a file."""
        if self.lone is not None and path.startswith(self.lone):
            if path not in self._files:
                self._files[path] = osp.isfile(osp.join(self.root, path))
            return self._files[path]
        folder, name = osp.split(path)
        if folder not in self._folders:
            try:
                with os.scandir(osp.join(self.root, folder)) as entries:
                    self._folders[folder] = {entry.name for entry in entries if entry.is_file()}
            except (FileNotFoundError, NotADirectoryError):
                self._folders[folder] = set()
        return name in self._folders[folder]

    def missing(self, paths: Iterable[str], what: str) -> list[str]:
        """Those paths that are no files, with a bar where the search takes long."""
        bar = tqdm(paths, f'looking for {what}', unit=' files', leave=False, delay=_PATIENCE)
        return [path for path in bar if not self.has(path)]
