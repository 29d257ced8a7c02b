"""The file of the segments of one image: a grey 16-bit PNG of its size, 0 where no segment is."""

import struct
import zlib

import cv2
import numpy as np

from projects.fileio import PNG_SIGNATURE, atomic_write, image_shape, image_shape_of_file, read_whole
from projects.transforms import read_image

from .paths import SegmentFile

MAX_SEGMENTS = 65535
_GREY_16 = (16, 0)
"""Bit depth and colour type in the header of a PNG."""


def number_segments(labels: np.ndarray) -> np.ndarray:
    """Number the segments 1, 2, ... in the order of their labels.

    Args:
        labels (np.ndarray): (H, W) integers; 0 and less is no segment.

    Returns:
        np.ndarray: (H, W) uint16.

    Raises:
        ValueError: If there are more segments than 16 bits have numbers.
    """
    found, index = np.unique(labels, return_inverse=True)
    nothing = int(np.searchsorted(found, 1))  # how many labels are no segment
    count = len(found) - nothing
    if count > MAX_SEGMENTS:
        raise ValueError(
            f'{count} segments, but a 16-bit PNG has numbers for {MAX_SEGMENTS}: ask for fewer or larger segments'
        )
    numbers = np.maximum(np.arange(len(found)) + 1 - nothing, 0)
    return numbers[index].reshape(labels.shape).astype(np.uint16)


def write_segments(path: str, ids: np.ndarray) -> None:
    """Write ids (H, W) uint16 so that the file is whole or absent."""
    _, data = cv2.imencode('.png', ids)
    with atomic_write(path) as file:
        file.write(data.tobytes())


def _png_fault(data: bytes) -> str | None:
    """What is wrong with a PNG: its header, a checksum of its parts, or its end. None if it is whole, grey, 16-bit."""
    if not data.startswith(PNG_SIGNATURE) or image_shape(data) is None or len(data) < 26:
        return 'it is no PNG'
    if (data[24], data[25]) != _GREY_16:
        return f'it has {data[24]} bits and colour type {data[25]}, expected 16 bits and grey (0)'
    place = len(PNG_SIGNATURE)
    while place + 12 <= len(data):
        (length,) = struct.unpack_from('>I', data, place)
        end = place + 8 + length
        if end + 4 > len(data):
            break
        kind = data[place + 4 : place + 8]
        if struct.unpack_from('>I', data, end)[0] != zlib.crc32(data[place + 4 : end]):
            return f'the checksum of its part {kind!r} is wrong'
        if kind == b'IEND':
            return None
        place = end + 4
    return 'it ends too early'


def _has_size_of_image(shape: tuple[int, int] | None, image: str) -> bool:
    # Readers turn an image as its EXIF orientation says, so another size in its header is no proof.
    return shape == image_shape_of_file(image) or shape == read_image(image).shape[:2]


def segments_fault(file: SegmentFile) -> str | None:
    """Say what is wrong with a file of segments, without decoding it.

    Returns:
        str | None: ``'missing'``, what is damaged, or None for a whole file of the size of its image.

    Raises:
        OSError: If the image is not there although the segments are.
        ValueError: If the image is damaged and its size unknown.
    """
    try:
        data = read_whole(file.segments)
    except FileNotFoundError:
        return 'missing'
    except ValueError as error:
        return str(error)
    fault = _png_fault(data)
    if fault is None and not _has_size_of_image(image_shape(data), file.image):
        return f'it has {image_shape(data)} pixels, its image another number'
    return fault
