"""Files with reproducible bytes."""

import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np

JPEG_QUALITY = 90
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file and the folders above it; whatever fails, the error names the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_jpeg(path: Path, image: np.ndarray) -> None:
    """Write a BGR uint8 image."""
    write_bytes(path, cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes())


def write_png(path: Path, image: np.ndarray) -> None:
    """Write an 8 or 16 bit image."""
    write_bytes(path, cv2.imencode('.png', image, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes())


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a compressed npz whose bytes do not depend on the clock."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
            info = zipfile.ZipInfo(f'{name}.npy', _ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entry.getvalue(), zipfile.ZIP_DEFLATED, 4)
    write_bytes(path, buffer.getvalue())


def write_json(path: Path, content: object) -> None:
    """Write JSON, one entry a line."""
    write_bytes(path, json.dumps(content, indent=0).encode())
