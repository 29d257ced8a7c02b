"""Reading image files so that damaged ones are noticed."""

import io

import cv2
import numpy as np
from PIL import Image


def _looks_complete(data: bytes) -> bool:
    """Cheap check of the end mark of JPEG and PNG files."""
    if data[:2] == b'\xff\xd8':
        return data.endswith(b'\xff\xd9')
    if data[:8] == b'\x89PNG\r\n\x1a\n':
        return data[-8:-4] == b'IEND'
    return False


def _decodes_completely(data: bytes) -> bool:
    """Let PIL decode every row; unlike OpenCV it refuses a file that ends too early."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def read_image(path: str, token: str = '', flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Read an image and refuse a missing or truncated file.

    OpenCV fills the lost rows of a truncated JPEG with grey and says nothing, so the end mark is checked first and,
    if it is not the last thing in the file, PIL decodes the file strictly.

    Args:
        path (str): File to read.
        token (str): Sample token for the message. Defaults to ''.
        flags (int): Flags of ``cv2.imdecode``. Defaults to ``cv2.IMREAD_COLOR``.

    Returns:
        np.ndarray: The pixels, in BGR order when colour. Shape (H, W, 3) or (H, W).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is truncated or no image.
    """
    where = f'{path} (sample {token})' if token else path
    try:
        with open(path, 'rb') as file:
            data = file.read()
    except FileNotFoundError as error:
        raise FileNotFoundError(f'image not found: {where}; check data_root and data_prefix of the dataset') from error
    if not _looks_complete(data) and not _decodes_completely(data):
        raise ValueError(
            f'image is truncated or damaged: {where} has {len(data)} bytes; copy or download the file again'
        )
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        raise ValueError(f'image cannot be decoded: {where}; copy or download the file again')
    return image
