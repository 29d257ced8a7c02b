"""Info files of depth data: the one reader of the data set, the evaluator and the converters."""

import os
from collections.abc import Sequence

import numpy as np

from projects.fileio import check_name, restricted_load
from projects.geometry import check_intrinsics, is_finite_number, stack_matrices

FRAME_ID_PARTS = 2
"""Names with slashes between them that a frame id may have: ``2011_09_26_drive_0002_sync/0000000069``."""
PATH_KEYS = ('img_path', 'right_path', 'depth_path', 'right_depth_path', 'dense_path', 'right_dense_path')
FRAME_KEYS = ('frame_id', *PATH_KEYS, 'cam2img', 'right_cam2img', 'baseline', 'depth_scale', 'ori_shape')
"""What a frame must have to be loaded."""

MAX_BASELINE = 10.0
"""Metres. Pairs on a car are half a metre apart; more is another unit of length."""

_KEYS = set(FRAME_KEYS)
_AGAIN = 'write it again with tools/create_data.py'


def drive_of(frame_id: str) -> str:
    """Drive of a frame, the part of its id before the slash; '' for an id without one."""
    return frame_id.rpartition('/')[0]


def read_depth_items(content: object, path: str) -> list[dict]:
    """Return the frames of a loaded info file.

    Args:
        content (object): As it was loaded: a dict with ``data_list``.
        path (str): The file, for the messages.

    Returns:
        list[dict]: The frames, each with ``frame_id`` and ``depth_path`` (None without a file).

    Raises:
        ValueError: If it is no depth info file, is empty, or holds a frame that has no name, a name that is there
            twice or that cannot be a file name, or a path that is none; names file and frame.
    """
    if not isinstance(content, dict) or not isinstance(content.get('data_list'), list):
        raise ValueError(f'{path} holds no depth infos; {_AGAIN}')
    items = content['data_list']
    if not items:
        raise ValueError(f'{path} holds no frames; {_AGAIN}')
    places: dict[str, int] = {}
    for index, item in enumerate(items):
        frame = item.get('frame_id') if isinstance(item, dict) else None
        if not isinstance(frame, str) or not frame:
            raise ValueError(f'item {index} of {path} is no frame with a frame_id that is text; {_AGAIN}')
        check_name(frame, 'frame_id', f'item {index} of {path}', FRAME_ID_PARTS)
        if 'depth_path' not in item:
            raise ValueError(f'frame {frame} of {path} has no depth_path; {_AGAIN}')
        first = places.setdefault(frame, index)
        if first != index:
            raise ValueError(
                f'{path} holds the frame {frame} twice (items {first} and {index}), so it would count twice; {_AGAIN}'
            )
        for key in PATH_KEYS:
            value = item.get(key)
            if value is not None and not (isinstance(value, str) and value):
                raise ValueError(f'{key} of frame {frame} of {path} must be a path or None, got {value!r}; {_AGAIN}')
        scale = item.get('depth_scale', 1.0)
        if not (is_finite_number(scale) and scale > 0):
            raise ValueError(
                f'depth_scale of frame {frame} of {path} must be a positive number of values per metre (256 for '
                f'KITTI), got {scale!r}; {_AGAIN}'
            )
    return items


def read_depth_infos(path: str | os.PathLike) -> list[dict]:
    """Read an info file without running code in it; see :func:`read_depth_items`.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it is no depth info file, or a frame is not whole.
    """
    return read_depth_items(restricted_load(path), os.fspath(path))


def check_calibration(items: Sequence[dict], path: str) -> None:
    """Check that frames of :func:`read_depth_items` can be loaded: keys, intrinsics, baseline and size.

    Raises:
        ValueError: For the first that cannot; names file, frame and key.
    """
    for item in items:
        if not item.keys() >= _KEYS:
            missing = [key for key in FRAME_KEYS if key not in item]
            raise ValueError(f'frame {item["frame_id"]} of {path} has no {missing}; {_AGAIN}')
        if not item['img_path']:
            raise ValueError(f'frame {item["frame_id"]} of {path} has no img_path; {_AGAIN}')
        baseline = item['baseline']
        if not (is_finite_number(baseline) and 0 <= baseline <= MAX_BASELINE):
            raise ValueError(
                f'frame {item["frame_id"]} of {path} has the baseline {baseline!r}, but it must be in metres, 0 (no '
                f'pair) to {MAX_BASELINE:g}; {_AGAIN}'
            )
        shape = item['ori_shape']
        if not (isinstance(shape, (tuple, list)) and len(shape) == 2 and all(_is_size(value) for value in shape)):
            raise ValueError(
                f'ori_shape of frame {item["frame_id"]} of {path} must be (height, width), got {shape!r}; {_AGAIN}'
            )
    for key in ('cam2img', 'right_cam2img'):

        def name_of(index: int, key: str = key) -> str:
            return f'{key} of frame {items[index]["frame_id"]} of {path}'

        matrices = stack_matrices([item[key] for item in items], (3, 3), name_of, _AGAIN)
        check_intrinsics(matrices, name_of, _AGAIN)


def _is_size(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value > 0)
