"""Reading image files so that damaged ones are noticed."""

import io

import cv2
import numpy as np
from PIL import Image


def _is_complete(data: bytes) -> bool:
    """Whether a file holds its format's end mark; other formats than JPEG and PNG are decoded strictly by PIL."""
    if data.startswith(b'\xff\xd8'):
        # Inside a scan 0xff is only followed by 0x00 or a restart mark, so an end mark (d9) after the last start of
        # scan (da) is real. A thumbnail in the header has both before the picture's own scan.
        return data.endswith(b'\xff\xd9') or data.rfind(b'\xff\xd9') > data.rfind(b'\xff\xda')
    if data.startswith(b'\x89PNG\r\n\x1a\n'):
        return b'IEND' in data[-64:]
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


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
        ValueError: If the file is truncated or no image.
    """
    where = f'{path} (sample {token})' if token else path
    try:
        with open(path, 'rb') as file:
            data = file.read()
    except FileNotFoundError as error:
        raise FileNotFoundError(f'image not found: {where}; check data_root and data_prefix of the dataset') from error
    if not _is_complete(data):
        raise ValueError(
            f'image is truncated or damaged: {where} has {len(data)} bytes; copy or download the file again'
        )
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        raise ValueError(f'image cannot be decoded: {where}; copy or download the file again')
    return image
