"""Info files of depth data sets, as evaluation and training read them."""

import os
from typing import Any

from projects.fileio import check_name, restricted_load

FRAME_ID_PARTS = 2
"""Names with slashes between them that a frame id may have: ``2011_09_26_drive_0002_sync/0000000069``."""
_PATHS = ('img_path', 'right_path', 'depth_path', 'right_depth_path', 'dense_path', 'right_dense_path')


def _check_item(item: Any, where: str, again: str) -> None:
    if not isinstance(item, dict):
        raise ValueError(f'{where} is {type(item).__name__}, not a dict; {again}')
    missing = [key for key in ('frame_id', 'depth_path') if key not in item]
    if missing:
        raise ValueError(f'{where} has no {missing}; {again}')
    check_name(item['frame_id'], 'frame_id', where, FRAME_ID_PARTS)
    for key in _PATHS:
        if not isinstance(item.get(key), (str, type(None))):
            raise ValueError(f'{where} ({item["frame_id"]}): {key} must be a path or None, got {item[key]!r}; {again}')


def read_depth_infos(path: str | os.PathLike, command: str = 'create_data.py') -> list[dict]:
    """Frames of an info file of ``tools/create_data.py``.

    Args:
        path (str or PathLike): The file.
        command (str): How it is written again, for messages. Defaults to 'create_data.py'.

    Returns:
        list[dict]: One per frame; ``frame_id`` can become a file name, and paths are text or None.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it holds something else; the message names the frame.
    """
    name, again = os.fspath(path), f'write it again with tools/{command}'
    content = restricted_load(path)
    if not isinstance(content, dict) or not isinstance(content.get('data_list'), list):
        raise ValueError(f'{name} holds no depth infos; {again}')
    for index, item in enumerate(content['data_list']):
        _check_item(item, f'{name}: frame number {index}', again)
    return content['data_list']
