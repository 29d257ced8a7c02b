"""Files with reproducible bytes, written whole or not at all."""

import io
import json
import os
import zipfile
from pathlib import Path

import cv2
import numpy as np

JPEG_QUALITY = 90
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def _write_bytes(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_jpeg(path: Path, image: np.ndarray) -> None:
    """Write a BGR uint8 image."""
    _write_bytes(path, cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes())


def write_png(path: Path, image: np.ndarray) -> None:
    """Write an 8 or 16 bit image."""
    _write_bytes(path, cv2.imencode('.png', image, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes())


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
    _write_bytes(path, buffer.getvalue())


def write_json(path: Path, content: object) -> None:
    """Write JSON atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'{path.name}.part')
    temporary.write_text(json.dumps(content, indent=0))
    os.replace(temporary, path)


def publish(staging: Path, root: Path) -> dict[str, int]:
    """Move every file below ``staging`` to the same place below ``root``; sizes in bytes by relative path."""
    sizes = {}
    for path in sorted(p for p in staging.rglob('*') if p.is_file()):
        relative = path.relative_to(staging)
        target = root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        sizes[relative.as_posix()] = path.stat().st_size
        os.replace(path, target)
    return sizes
