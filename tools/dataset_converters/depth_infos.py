"""What the depth converters share: reports of what is missing, and the info files."""

import os
import pickle
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from projects.depth.datasets import StereoCalibration
from projects.fileio import atomic_write

_SHOWN = 10


def png_or_jpeg_shape(path: str | os.PathLike) -> tuple[int, int]:
    """Height and width from the header of an image, without decoding it.

    Raises:
        ValueError: If the file is no PNG or JPEG image.
    """
    with open(path, 'rb') as file:
        head = file.read(24)
        if head.startswith(b'\x89PNG\r\n\x1a\n') and len(head) == 24:
            width, height = struct.unpack('>II', head[16:24])
            return height, width
        file.seek(2)
        while head.startswith(b'\xff\xd8'):
            marker = file.read(4)
            if len(marker) < 4:
                break
            length = struct.unpack('>H', marker[2:])[0]
            if 0xC0 <= marker[1] <= 0xCF and marker[1] not in (0xC4, 0xC8, 0xCC):
                height, width = struct.unpack('>xHH', file.read(5))
                return height, width
            file.seek(length - 2, os.SEEK_CUR)
    raise ValueError(f'{path} is no PNG or JPEG image; copy or download it again')


def missing_report(what: str, missing: Iterable[str], hint: str) -> str:
    """Message about missing files: how many there are, the first ten, and what to do."""
    names = list(missing)
    shown = '\n'.join(f'  {name}' for name in names[:_SHOWN])
    more = f'\n  and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''
    return f'{len(names)} {what} are missing:\n{shown}{more}\n{hint}'


def write_infos(path: Path, items: list[dict], split: str) -> None:
    """Write an info file that appears only when it is complete."""
    content = {'metainfo': {'split': split, 'version': 1}, 'data_list': items}
    with atomic_write(path) as file:
        pickle.dump(content, file, protocol=4)
    with_depth = sum(item['depth_path'] is not None for item in items)
    with_pair = sum(item['right_path'] is not None for item in items)
    right_depth = sum(item['right_depth_path'] is not None for item in items)
    print(
        f'{path}: {len(items)} frames, {with_pair} with a right image, {with_depth} with a depth map, '
        f'{right_depth} with one of the right camera too'
    )


def make_item(
    frame_id: str,
    img_path: str,
    calibration: StereoCalibration,
    shape: tuple[int, int],
    right_path: str | None = None,
    depth_path: str | None = None,
    right_depth_path: str | None = None,
    dense_path: str | None = None,
    right_dense_path: str | None = None,
    depth_scale: float = 256.0,
) -> dict:
    """Info of a frame as ``StereoDepthDataset`` reads it."""
    return {
        'frame_id': frame_id,
        'img_path': img_path,
        'right_path': right_path,
        'depth_path': depth_path,
        'right_depth_path': right_depth_path,
        'dense_path': dense_path,
        'right_dense_path': right_dense_path,
        'cam2img': np.asarray(calibration.left, np.float64),
        'right_cam2img': np.asarray(calibration.right, np.float64),
        'focal': float(calibration.left[0, 0]),
        'baseline': calibration.baseline,
        'depth_scale': depth_scale,
        'ori_shape': tuple(shape),
    }
