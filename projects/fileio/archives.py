"""Zip files of submissions: written whole, and read with names, sizes and checksums looked at."""

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from typing import IO

from .codec import crc32
from .files import atomic_write
from .limits import ARCHIVE_FILES, advice, exceeds, limit
from .names import name_problem
from .reading import BadFileError

_EPOCH = (1980, 1, 1, 0, 0, 0)
_DEEPEST = 8
_BLOCK = 1 << 20
_LOCAL_HEADER = struct.Struct('<4s5H3L2H')


def write_zip(path: str | os.PathLike, members: Iterable[tuple[str, bytes]], compress: bool) -> None:
    """Write an archive that appears only when it is complete; equal contents give equal files."""
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with atomic_write(path) as file, zipfile.ZipFile(file, 'w', method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            archive.writestr(info, content, method)


def open_archive(path: str | os.PathLike) -> zipfile.ZipFile:
    """Open an archive.

    Raises:
        ValueError: If there is none, it is no zip file, or it has too many members.
    """
    if os.path.isdir(path):
        raise ValueError(f'{path} is a folder; give the zip file that is made of it')
    if not os.path.isfile(path):
        raise ValueError(f'{path} does not exist')
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise ValueError(f'{path} is truncated, corrupt or no zip file ({error})') from error
    infos, problem = archive.infolist(), None
    if exceeds(len(infos), ARCHIVE_FILES):
        problem = f'has {len(infos)} members, more than the {limit(ARCHIVE_FILES)} that are expected; ' + advice(
            len(infos) / ARCHIVE_FILES
        )
    elif min((info.header_offset for info in infos), default=0) > 0:
        # The directory of the last inner file looks like that of a file whose own end is missing.
        problem = 'is truncated, corrupt or no zip file (its directory does not cover its beginning)'
    if problem:
        archive.close()
        raise ValueError(f'{path} {problem}')
    return archive


def _member_problem(info: zipfile.ZipInfo, max_bytes: int) -> str | None:
    """Why a member must not be read."""
    name = info.orig_filename.removesuffix('/') if info.is_dir() else info.orig_filename
    reason = name_problem(name, _DEEPEST)
    if reason is not None:
        return reason
    if stat.S_ISLNK(info.external_attr >> 16):
        return 'it is a link'
    if info.flag_bits & 1:
        return 'it is encrypted'
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # Others unpack without a bound, and the servers read none of them.
        return f'it is compressed by method {info.compress_type}; use deflate or none'
    if exceeds(info.file_size, max_bytes):
        return f'it unpacks to {info.file_size} bytes, more than the {limit(max_bytes)} that are expected'
    return None


def open_members(archive: zipfile.ZipFile, max_bytes: int) -> tuple[dict[str, zipfile.ZipInfo], list[str]]:
    """Files of an archive that may be read.

    Args:
        archive (zipfile.ZipFile): The archive.
        max_bytes (int): Largest unpacked size of a file.

    Returns:
        tuple[dict[str, ZipInfo], list[str]]: Directory entries by name, and problems: tricks with paths, links,
        encryption, methods other than deflate, names that are there twice, files that are too large.
    """
    members: dict[str, zipfile.ZipInfo] = {}
    problems = []
    for info in archive.infolist():
        reason = _member_problem(info, max_bytes)
        if reason is None and info.filename in members:
            reason = 'it is there twice'
        if reason is not None:
            problems.append(f'{info.orig_filename!r}: {reason}')
        elif not info.is_dir():
            members[info.filename] = info
    return members, problems


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Content of one file, with its checksum verified; never more than its directory entry promises.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        with archive.open(info) as file:
            return file.read(info.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, OSError, ValueError) as error:
        raise ValueError(f'{info.filename} is corrupt ({error})') from error


def check_stored_archive(path: str | os.PathLike) -> int:
    """Verify the checksums of an archive whose members must not be compressed, such as a checkpoint of torch.

    Returns:
        int: Bytes of all members together.

    Raises:
        BadFileError: If a member is compressed, overlaps another or does not have its checksum.
        BadZipFile: If it is no whole zip file.
    """
    name = os.fspath(path)
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size or info.flag_bits & 1:
            raise BadFileError(
                f'{name}: its part {info.filename!r} is compressed or encrypted; torch does neither, use another file'
            )
    total = sum(info.file_size for info in infos)
    buffer = memoryview(bytearray(_BLOCK))
    with open(path, 'rb', buffering=0) as file:
        if total > os.fstat(file.fileno()).st_size:
            raise BadFileError(f'{name}: its parts overlap, together they have {total} bytes; use another file')
        for info in infos:
            if _stored_crc(file, info, buffer) != info.CRC:
                raise BadFileError(
                    f'{name} is damaged: its part {info.filename!r} does not have the checksum that was written with '
                    'it; copy it again or use another file'
                )
    return total


def _stored_crc(file: IO[bytes], info: zipfile.ZipInfo, buffer: memoryview) -> int | None:
    """Checksum of a member that is not compressed; None if it ends early or has no header of its own."""
    file.seek(info.header_offset)
    head = file.read(_LOCAL_HEADER.size)
    if len(head) < _LOCAL_HEADER.size or not head.startswith(b'PK\x03\x04'):
        return None
    file.seek(sum(_LOCAL_HEADER.unpack(head)[-2:]), os.SEEK_CUR)
    crc, left = 0, info.file_size
    while left:
        count = file.readinto(buffer[: min(left, len(buffer))])  # type: ignore[attr-defined]
        if not count:
            return None
        crc = crc32(buffer[:count], crc)
        left -= count
    return crc
