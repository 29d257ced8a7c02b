"""Reading image files so that damaged ones are noticed, and those that would need gigabytes are not decoded."""

import io
import os

import cv2
import numpy as np
from PIL import Image

from projects.fileio import (
    PNG_SIGNATURE,
    BadFileError,
    check_image_size,
    check_pixels,
    image_shape,
    png_has_end,
    read_whole,
)

from .jpeg_check import lost_part


def _is_complete(data: bytes) -> bool:
    """Whether a JPEG or PNG file holds its format's end mark."""
    if data.startswith(b'\xff\xd8'):
        # Inside a scan 0xff is only followed by 0x00 or a restart mark, so an end mark (d9) after the last start of
        # scan (da) is real. A thumbnail in the header has both before the picture's own scan.
        return data.endswith(b'\xff\xd9') or data.rfind(b'\xff\xd9') > data.rfind(b'\xff\xda')
    return png_has_end(data)


def _is_whole_for_pil(data: bytes, where: str) -> bool:
    """Whether PIL, which is strict, decodes a file of another format than JPEG and PNG."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            check_pixels(image.size[::-1], where)
            image.load()
    except BadFileError:
        raise
    except Image.DecompressionBombError as error:
        raise BadFileError(f'{where} is too large an image: {error}') from error
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def _read_bytes(path: str, where: str) -> bytes:
    try:
        data = read_whole(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'image not found: {where}; check data_root and data_prefix of the dataset') from error
    known = data.startswith((b'\xff\xd8', PNG_SIGNATURE))
    if not (_is_complete(data) if known else _is_whole_for_pil(data, where)):
        raise ValueError(
            f'image is truncated or damaged: {where} has {len(data)} bytes; copy or download the file again'
        )
    if known:
        check_image_size(data, where)
    return data


def _decode(data: bytes, where: str, flags: int) -> np.ndarray:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise ValueError(f'image cannot be decoded: {where}; copy or download the file again')
    if data.startswith(b'\xff\xd8') and lost_part(data, image, flags):
        raise ValueError(
            f'image is damaged: {where} has lost data in the middle, what follows is grey; copy or download it again'
        )
    return image


def read_image(path: str, token: str = '', flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Read an image and refuse a missing or truncated file.

    OpenCV fills the lost rows of a truncated JPEG with grey and says nothing, so the end mark is looked for first.

    Args:
        path (str): File to read.
        token (str): Sample token for the message. Defaults to ''.
        flags (int): Flags of ``cv2.imdecode``. Defaults to ``cv2.IMREAD_COLOR``.

    Returns:
        np.ndarray: The pixels, in BGR order when colour. Shape (H, W, 3) or (H, W).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is truncated, no image, or has too many pixels.
    """
    where = f'{path} (sample {token})' if token else path
    return _decode(_read_bytes(path, where), where, flags)


def as_image(image: str | os.PathLike | np.ndarray, what: str) -> np.ndarray:
    """Pixels of an image that is given as a file or as an array. Shape (H, W, 3), uint8, BGR.

    Args:
        image (str | PathLike | np.ndarray): The file, or the pixels as ``cv2.imread`` gives them.
        what (str): What the image is, for the messages.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no image.
    """
    if isinstance(image, (str, os.PathLike)):
        return read_image(os.fspath(image), what)
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        given = f'{image.dtype} {image.shape}' if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(f'{what} must be a file or an array (H, W, 3) of uint8 in BGR order, got {given}')
    return np.ascontiguousarray(image)


_REDUCED_FLAGS = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


def read_image_reduced(path: str, token: str = '', factor: int = 2) -> tuple[np.ndarray, tuple[int, int]]:
    """Read a colour JPEG at a fraction of its size, which leaves out most of the decoder's work.

    The decoder averages blocks of ``factor`` x ``factor`` pixels, so pixel ``u`` of the file is at
    ``(u + 0.5) / factor - 0.5`` of the result. The last blocks of a size that is no multiple are incomplete.

    Args:
        path (str): File to read.
        token (str): Sample token for the message. Defaults to ''.
        factor (int): 2, 4 or 8. Defaults to 2.

    Returns:
        tuple[np.ndarray, tuple[int, int]]: Pixels (ceil(H / factor), ceil(W / factor), 3) in BGR order, and (H, W).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is truncated, no image, no JPEG, has too many pixels, or is turned by its EXIF
            orientation.
    """
    where = f'{path} (sample {token})' if token else path
    data = _read_bytes(path, where)
    if not data.startswith(b'\xff\xd8'):
        raise ValueError(f'only JPEG files can be decoded at reduced size: {where}; set reduced_decode=1')
    image = _decode(data, where, _REDUCED_FLAGS[factor])
    height, width = image_shape(data) or (0, 0)
    if image.shape[:2] != (-(-height // factor), -(-width // factor)):
        raise ValueError(
            f'image of {height} x {width} pixels came out as {image.shape[:2]} at 1/{factor}: {where}; '
            'remove its EXIF orientation or set reduced_decode=1'
        )
    return image, (height, width)
