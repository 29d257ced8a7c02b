"""Fast reading of small ``.npz`` files: only the arrays asked for, checksums always verified, nothing unpickled."""

import ast
import io
import math
import os
import struct
import warnings
import zipfile
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .codec import codec
from .limits import ARRAY_BYTES, advice, exceeds, limit
from .reading import BadFileError, read_whole

_codec = codec
_LOCAL_HEADER = struct.Struct('<4s5H3L2H')
_ENTRY = struct.Struct('<4s6H3L5H2L')
_END = struct.Struct('<4s4H2LH')
_MAX_HEADER = 4096


class NpzError(BadFileError):
    """An ``.npz`` file that cannot be used; the message names the file and says what is wrong."""


class _Member(NamedTuple):
    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    encrypted: bool


def _read_directory(data: bytes) -> list[_Member] | None:
    """Entries of a plain archive: one disk, no comment, no 64-bit entries. None for all others, and damaged ones."""
    end = len(data) - _END.size
    if end < 0 or data[end : end + 4] != b'PK\x05\x06':
        return None
    _, disk, first_disk, here, count, size, position, comment = _END.unpack_from(data, end)
    if disk or first_disk or comment or here != count or position + size != end:
        return None
    members = []
    for _ in range(count):
        if position + _ENTRY.size > end:
            return None
        entry = _ENTRY.unpack_from(data, position)
        flags, method, crc, packed, unpacked, name_length, extra_length, comment_length = *entry[3:5], *entry[7:13]
        name = data[position + _ENTRY.size : position + _ENTRY.size + name_length]
        if entry[0] != b'PK\x01\x02' or 0xFFFFFFFF in (packed, unpacked, entry[16]) or not name.isascii():
            return None
        key = name.decode('ascii').removesuffix('.npy')
        members.append(_Member(key, method, crc, packed, unpacked, entry[16], bool(flags & 1)))
        position += _ENTRY.size + name_length + extra_length + comment_length
    return members if position == end else None


def _read_directory_slowly(data: bytes, name: str) -> list[_Member]:
    """Entries of any archive.

    Raises:
        NpzError: If it is damaged.
    """
    try:
        with warnings.catch_warnings(), zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, EOFError, ValueError, struct.error, NotImplementedError) as error:
        raise NpzError(f'{name} is truncated, corrupt or not an .npz file ({error}); write or copy it again') from error
    return [
        _Member(
            info.filename.removesuffix('.npy'),
            info.compress_type,
            info.CRC,
            info.compress_size,
            info.file_size,
            info.header_offset,
            bool(info.flag_bits & 1),
        )
        for info in infos
    ]


def _members(data: bytes, name: str) -> dict[str, _Member]:
    """Directory of the archive by array name."""
    entries = _read_directory(data)
    if entries is None:
        entries = _read_directory_slowly(data, name)
    members = {entry.name: entry for entry in entries}
    if len(members) < len(entries):
        counts = Counter(entry.name for entry in entries)
        twice = next(key for key, count in counts.items() if count > 1)
        raise NpzError(f'{name} holds the array {twice} twice; write it again')
    return members


def _unpack(data: bytes, member: _Member, name: str, max_bytes: int) -> bytes:
    """Content of one member; its length and checksum are right."""
    where = f'array {member.name} of {name}'
    if member.encrypted or member.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NpzError(f'{where} is encrypted or compressed by a method that NumPy does not write; write it again')
    if exceeds(member.size, max_bytes):
        raise NpzError(
            f'{where} unpacks to {member.size} bytes, more than the {limit(max_bytes)} that are expected; '
            + advice(member.size / max_bytes)
        )
    try:
        header = _LOCAL_HEADER.unpack_from(data, member.offset)
    except struct.error as error:
        raise NpzError(f'{where} is corrupt (its header is outside the file); write or copy it again') from error
    if header[0] != b'PK\x03\x04':
        raise NpzError(f'{where} is corrupt (its header is not one); write or copy it again')
    start = member.offset + _LOCAL_HEADER.size + header[9] + header[10]
    packed = memoryview(data)[start : start + member.packed]
    try:
        content = _inflate(packed, member) if member.method == zipfile.ZIP_DEFLATED else bytes(packed)
    except (_codec.error, ValueError) as error:
        raise NpzError(f'{where} is corrupt ({error}); write or copy it again') from error
    if len(content) != member.size or _codec.crc32(content) != member.crc:
        raise NpzError(f'{where} is corrupt (wrong checksum or length); write or copy it again')
    return content


def _inflate(packed: memoryview, member: _Member) -> bytes:
    """Unpack, never to more than one byte above the promised length."""
    return _codec.decompressobj(-15).decompress(packed, member.size + 1)


@lru_cache(maxsize=64)
def _parse_header(text: bytes) -> tuple[np.dtype, tuple[int, ...], str]:
    """Type, shape and memory order of an ``.npy`` header; the headers of a data set are few."""
    fields = ast.literal_eval(text.decode('latin1').strip())
    dtype = np.dtype(fields['descr'] if isinstance(fields['descr'], str) else [tuple(f) for f in fields['descr']])
    return dtype, tuple(int(n) for n in fields['shape']), 'F' if fields.get('fortran_order') else 'C'


def _to_array(content: bytes, where: str) -> np.ndarray:
    """Read an ``.npy`` file that holds numbers; the result shares memory with ``content``."""
    try:
        head = bytes(content[: _MAX_HEADER + 12])
        if head[:6] != b'\x93NUMPY':
            raise ValueError('it does not begin as an .npy file')
        if head[6] not in (1, 2, 3):
            raise ValueError(f'version {head[6]} is unknown')
        begin = 10 if head[6] == 1 else 12
        length = int.from_bytes(head[8:begin], 'little')
        if length > _MAX_HEADER:
            raise ValueError(f'its header has {length} bytes')
        dtype, shape, order = _parse_header(head[begin : begin + length])
    except (ValueError, KeyError, TypeError, SyntaxError, IndexError, MemoryError, RecursionError) as error:
        raise NpzError(f'{where} has no sound .npy header ({error}); write it again') from error
    if dtype.hasobject:
        raise NpzError(f'{where} holds Python objects, which could run code when loaded; write it as numbers')
    count = math.prod(shape)
    if min(shape, default=0) < 0 or len(content) - begin - length != count * dtype.itemsize:
        raise NpzError(f'{where} should hold {shape} of {dtype}, but has {len(content) - begin - length} bytes')
    array = np.frombuffer(content, dtype, count, begin + length)
    return array.reshape(shape, order='F' if order == 'F' else 'C')


class NpzBytes:
    """Content of an ``.npz`` file whose directory has been read, and no array yet.

    Args:
        data (bytes): The content.
        name (str): What errors call the file.

    Raises:
        BadFileError: If the directory is damaged.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name = data, name
        self._members = _members(data, name)

    def keys(self) -> list[str]:
        """Names of the arrays, sorted."""
        return sorted(self._members)

    def __contains__(self, key: object, /) -> bool:
        return key in self._members

    def read(
        self, keys: Sequence[str] = (), one_of: Sequence[str] = (), max_bytes: int = ARRAY_BYTES
    ) -> dict[str, np.ndarray]:
        """Some arrays; arguments, result and errors are those of :func:`read_npz`."""
        wanted = list(keys)
        if one_of:
            wanted += [next((key for key in one_of if key in self), one_of[0])]
        missing = [key for key in wanted if key not in self]
        if missing:
            expected = f'one of {list(one_of)}' if one_of and missing == [one_of[0]] else f'{missing}'
            raise NpzError(f'{self.name} has no array {expected}; it has {self.keys()}')
        arrays = {}
        for key in wanted:
            content = _unpack(self.data, self._members[key], self.name, max_bytes)
            arrays[key] = _to_array(content, f'array {key} of {self.name}')
        return arrays


def read_npz(
    path: str | os.PathLike,
    keys: Sequence[str] = (),
    one_of: Sequence[str] = (),
    max_bytes: int = ARRAY_BYTES,
) -> dict[str, np.ndarray]:
    """Read some arrays of an ``.npz`` file.

    Two to five times faster than ``np.load`` for files of a few 100 kB. Checksums are verified for every array read.

    Args:
        path (str or PathLike): The file.
        keys (Sequence[str]): Arrays that must be there. Defaults to none.
        one_of (Sequence[str]): Names of which the first that is there is read. Defaults to none.
        max_bytes (int): Largest unpacked size of an array. Defaults to ``ARRAY_BYTES``, 1 GiB.

    Returns:
        dict[str, np.ndarray]: The arrays by name; read-only.

    Raises:
        FileNotFoundError: If the file does not exist.
        BadFileError: If the file is damaged, lacks an array, or an array holds Python objects or is too large.
    """
    return NpzBytes(read_whole(path), os.fspath(path)).read(keys, one_of, max_bytes)


def read_npy_bytes(data: bytes, name: str, max_bytes: int = ARRAY_BYTES) -> np.ndarray:
    """Array of numbers of an ``.npy`` file; read-only. ``name`` is what errors call the file.

    Raises:
        NpzError: If the content is damaged or too large, or holds Python objects.
    """
    if exceeds(len(data), max_bytes):
        raise NpzError(
            f'{name} has {len(data)} bytes, more than the {limit(max_bytes)} that are expected; '
            + advice(len(data) / max_bytes)
        )
    return _to_array(data, name)
