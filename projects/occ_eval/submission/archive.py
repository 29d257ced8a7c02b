"""Zip files that are written whole, and the checks that all benchmarks share."""

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import PurePosixPath

from projects.fileio import atomic_write
from projects.occ_eval.report import list_tokens

_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_zip(path: str | os.PathLike, members: Iterable[tuple[str, bytes]], compress: bool) -> None:
    """Write an archive that appears only when it is complete; equal contents give equal files.

    Args:
        path (str or PathLike): The archive.
        members (Iterable[tuple[str, bytes]]): Names and contents.
        compress (bool): Whether to compress them.
    """
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with atomic_write(path) as file, zipfile.ZipFile(file, 'w', method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            archive.writestr(info, content, method)


def token_problems(found: Iterable[str], expected: Iterable[str], what: str) -> list[str]:
    """What is missing and what is too many."""
    found_set, expected_list = set(found), list(expected)
    missing = [token for token in expected_list if token not in found_set]
    extra = sorted(found_set - set(expected_list))
    problems = [f'{len(missing)} {what} missing: {list_tokens(missing)}'] if missing else []
    if extra:
        problems.append(f'{len(extra)} {what} of tokens that are not in the info file: {list_tokens(extra)}')
    return problems


def _name_problem(name: str) -> str | None:
    """Why a name must not be in an archive that is unpacked somewhere."""
    if '\\' in name or re.match(r'^[A-Za-z]:', name) or '\0' in name:
        return 'its name is that of another system'
    if name.startswith('/'):
        return 'its path is absolute'
    if '..' in PurePosixPath(name).parts:
        return 'its path leaves the archive'
    return None


def open_members(archive: zipfile.ZipFile, max_bytes: int) -> tuple[dict[str, zipfile.ZipInfo], list[str]]:
    """Files of an archive that may be read.

    Args:
        archive (zipfile.ZipFile): The archive.
        max_bytes (int): Largest unpacked size of a file.

    Returns:
        tuple[dict[str, ZipInfo], list[str]]: Directory entries by name, and problems: tricks with paths, links,
        encryption, names that are there twice, files that are too large.
    """
    members: dict[str, zipfile.ZipInfo] = {}
    problems = []
    for info in archive.infolist():
        reason = _name_problem(info.orig_filename)
        if reason is None and stat.S_ISLNK(info.external_attr >> 16):
            reason = 'it is a link'
        if reason is None and info.flag_bits & 1:
            reason = 'it is encrypted'
        if reason is None and info.file_size > max_bytes:
            reason = f'it unpacks to {info.file_size} bytes, more than the {max_bytes} that are expected'
        if reason is None and info.filename in members:
            reason = 'it is there twice'
        if reason is not None:
            problems.append(f'{info.orig_filename!r}: {reason}')
        elif not info.is_dir():
            members[info.filename] = info
    return members, problems


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Content of one file, with its checksum verified.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise ValueError(f'{info.filename} is corrupt ({error})') from error


def open_archive(path: str | os.PathLike) -> zipfile.ZipFile:
    """Open an archive.

    Raises:
        ValueError: If there is none, or it is no zip file.
    """
    if not os.path.isfile(path):
        raise ValueError(f'{path} does not exist')
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ValueError(f'{path} is truncated, corrupt or no zip file ({error})') from error
    if min((info.header_offset for info in archive.infolist()), default=0) > 0:
        # The directory of the last inner file looks like that of a file whose own end is missing.
        archive.close()
        raise ValueError(f'{path} is truncated, corrupt or no zip file (its directory does not cover its beginning)')
    return archive
