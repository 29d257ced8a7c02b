"""The size of an image from its header, and the marks of a PNG file, before anything is decoded."""

import os
import struct

from .limits import IMAGE_PIXELS, advice, exceeds, limit
from .reading import BadFileError

PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
"""First bytes of a PNG file."""
_HEAD_BYTES, _LONGEST_HEADER = 1 << 12, 1 << 18
"""What is read of a file for its size, and what more if that was not enough: EXIF data and a thumbnail may come before
the size in a JPEG, at most 64 kB each."""
_NO_FRAME = (0xC4, 0xC8, 0xCC)
"""Marks between those of a JPEG's frame header that are none: Huffman tables, a reserved one, arithmetic coding."""


def image_shape(data: bytes) -> tuple[int, int] | None:
    """Height and width from the header of a PNG or JPEG image.

    Args:
        data (bytes): The file, or its beginning.

    Returns:
        tuple[int, int] or None: Height and width; None if it is neither, or the header is damaged.
    """
    if data.startswith(PNG_SIGNATURE):
        if len(data) < 24 or data[12:16] != b'IHDR':
            return None
        width, height = struct.unpack_from('>II', data, 16)
        return height, width
    if not data.startswith(b'\xff\xd8'):
        return None
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        mark = data[place + 1]
        if mark == 0xFF:  # fill byte
            place += 1
        elif 0xC0 <= mark <= 0xCF and mark not in _NO_FRAME:
            height, width = struct.unpack_from('>HH', data, place + 5)
            return height, width
        elif mark in (0x00, 0x01, 0xD9, 0xDA) or 0xD0 <= mark <= 0xD7:
            return None  # the scan, or the end, before any frame header
        else:
            place += 2 + max(2, struct.unpack_from('>H', data, place + 2)[0])
    return None


def image_shape_of_file(path: str | os.PathLike) -> tuple[int, int] | None:
    """As :func:`image_shape`, for a file of which no more is read than that takes: 4 kB nearly always.

    Raises:
        OSError: If the file cannot be read.
    """
    with open(path, 'rb', buffering=0) as file:
        head = file.read(_HEAD_BYTES)
        return image_shape(head) or image_shape(head + file.read(_LONGEST_HEADER))


def png_has_end(data: bytes) -> bool:
    """Whether a PNG file has its end mark, which a truncated one lacks."""
    return b'IEND' in data[-64:]


def check_pixels(shape: tuple[int, int], name: str) -> None:
    """Refuse an image whose decoding would need gigabytes: a PNG of 1 MB can hold 4 GB of black.

    Args:
        shape (tuple[int, int]): Height and width.
        name (str): Name of the file, for the message.

    Raises:
        BadFileError: If it has more pixels than ``IMAGE_PIXELS``.
    """
    height, width = shape
    if exceeds(height * width, IMAGE_PIXELS):
        raise BadFileError(
            f'{name} has {height} x {width} pixels, more than the {limit(IMAGE_PIXELS)} that are expected; copy or '
            f'download the file again, or {advice(height * width / IMAGE_PIXELS)}'
        )


def check_image_size(data: bytes, name: str) -> None:
    """Refuse a PNG or JPEG image with too many pixels, and one whose header does not say how many it has.

    Raises:
        BadFileError: In both cases.
    """
    shape = image_shape(data)
    if shape is None:
        raise BadFileError(f'{name} has no sound header of a PNG or JPEG image; copy or download the file again')
    check_pixels(shape, name)
