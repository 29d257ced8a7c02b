"""The reader of info files: mmdet3d v1.1 (ours and mmdet3d's own) and BEVDet / mmdet3d 0.x, checked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from projects.fileio import check_name
from projects.geometry import check_poses, is_finite_number, stack_matrices

from .foreign_infos import complete_item, convert_bevdet_info, correct_cameras

_REQUIRED = ('token', 'timestamp', 'ego2global', 'lidar_points', 'images')
_WRITE_AGAIN = 'write the file again with tools/create_data.py occ3d-nus --force'


def _where(item: object, index: int, path: str) -> str:
    token = item.get('token', 'without token') if isinstance(item, dict) else 'without token'
    return f'item {index} of {path} (sample {token})'


def _converted(convert: Callable[[dict], dict], item: dict, index: int, path: str) -> dict:
    """Convert an item, with the file and the sample in the error of one that is not whole."""
    try:
        return convert(item)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:  # LinAlgError is a ValueError
        if isinstance(error, KeyError):
            problem = f'lacks {error}'
        elif isinstance(error, ValueError):
            problem = f'holds a matrix that is none ({error})'
        else:
            problem = f'holds a value of another kind than expected ({error})'
        raise ValueError(
            f'{_where(item, index, path)}, or one of its cameras or sweeps, {problem}; write the file again, with '
            'tools/create_data.py occ3d-nus --force for instance'
        ) from error


def _check_tokens(item: dict, where: str) -> None:
    """Refuse tokens that cannot be names of the files that predictions are written to."""
    check_name(item['token'], 'token', where)
    lidar = item['lidar_points']
    if isinstance(lidar, dict) and lidar.get('sample_data_token'):
        check_name(lidar['sample_data_token'], 'lidar_points.sample_data_token', where)


def read_info_items(content: object, path: str) -> list[dict]:
    """Return the items of a loaded info file in v1.1 form: the one reader of the data set, evaluators and submissions.

    Sweeps of every format get ``sweep2key``, and a path may have slashes or backslashes between its folders. Files of
    mmdet3d from before December 2022 get the right ``lidar2cam``, with a warning.

    Raises:
        ValueError: If the content is neither v1.1 (``data_list``) nor BEVDet (``infos``), holds no sample or one of
            them twice, an item is not whole or has a token that is no file name, or times are no numbers or run
            backwards.
    """
    key = next((key for key in ('data_list', 'infos') if isinstance(content, dict) and key in content), None)
    if key is None or not isinstance(content, dict):
        keys = sorted(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise ValueError(
            f"{path} is no info file: expected the key 'data_list' (mmdet3d v1.1) or 'infos' (BEVDet), got {keys}; "
            'write it with tools/create_data.py occ3d-nus'
        )
    items = content[key]
    if not isinstance(items, list):
        raise ValueError(f'{key} of {path} must be a list of samples, got {type(items).__name__}; {_WRITE_AGAIN}')
    if not items:
        raise ValueError(f'{path} holds no samples; write it again with tools/create_data.py occ3d-nus --force')
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise ValueError(f'{_where(item, index, path)} is no dict, but {type(item).__name__}; {_WRITE_AGAIN}')
    if key == 'infos':
        items = [_converted(convert_bevdet_info, info, index, path) for index, info in enumerate(items)]
    metainfo = content.get('metainfo')
    # Our converter writes lidar_sweeps for every sample, others leave the key out where there are none.
    required = (*_REQUIRED, 'lidar_sweeps') if isinstance(metainfo, dict) and 'max_sweeps' in metainfo else _REQUIRED
    for index, item in enumerate(items):
        problem = _item_problem(item, required)
        if problem:
            raise ValueError(f'{_where(item, index, path)} {problem}; {_WRITE_AGAIN}')
        _check_tokens(item, f'item {index} of {path}')
    _check_tokens_and_times(items, path)
    items = [_converted(complete_item, item, index, path) for index, item in enumerate(items)]
    return correct_cameras(items, path) if key == 'data_list' else items


def _item_problem(item: dict, required: Sequence[str]) -> str | None:
    """What is wrong with the fields of an item that every reader needs."""
    missing = [key for key in required if key not in item]
    if missing:
        return f'lacks {missing}'
    if not (isinstance(item['token'], str) and item['token']):
        return f'has the token {item["token"]!r}, but it must be text'
    if not is_finite_number(item['timestamp']):
        return f'has the timestamp {item["timestamp"]!r}, but it must be a number of seconds'
    for key in ('lidar_points', 'images'):
        if not isinstance(item[key], dict):
            return f'has {key} of the type {type(item[key]).__name__}, but it must be a dict'
    for key in ('scene_token', 'scene_name', 'prev', 'next'):
        if not isinstance(item.get(key, ''), (str, type(None))):
            return f'has the {key} {item[key]!r}, but it must be text'
    return None


def _check_tokens_and_times(items: Sequence[dict], path: str) -> None:
    """Refuse tokens that are there twice, which count twice in every score, and neighbours in a wrong order of time.

    Raises:
        ValueError: With the file and the token.
    """
    places: dict[str, int] = {}
    for index, item in enumerate(items):
        first = places.setdefault(item['token'], index)
        if first != index:
            raise ValueError(
                f'{path} holds the token {item["token"]} twice (items {first} and {index}), so the sample would count '
                f'twice; {_WRITE_AGAIN}'
            )
    for index, item in enumerate(items):
        for key, sign in (('prev', -1), ('next', 1)):
            other = places.get(item.get(key) or '')
            if other is None:
                continue
            if not sign * (items[other]['timestamp'] - item['timestamp']) > 0:
                when = 'earlier' if sign < 0 else 'later'
                raise ValueError(
                    f'{_where(item, index, path)} of the time {item["timestamp"]!r} s has the {key} {item[key]} of the '
                    f'time {items[other]["timestamp"]!r} s, which must be {when}; {_WRITE_AGAIN}'
                )


def key_poses(items: Sequence[Mapping[str, Any]], path: str) -> tuple[np.ndarray, np.ndarray]:
    """Poses of the ego car and of its LiDAR at the keyframes, checked.

    Returns:
        tuple[np.ndarray, np.ndarray]: ``ego2global`` and ``lidar2ego``, each (N, 4, 4), float64.

    Raises:
        ValueError: If one is missing or no rotation and translation; names file, sample and key.
    """
    poses = []
    for key, blocks in (('ego2global', items), ('lidar_points.lidar2ego', [item['lidar_points'] for item in items])):

        def name_of(index: int, key: str = key) -> str:
            return f'{key} of sample {items[index]["token"]} in {path}'

        last = key.split('.')[-1]
        poses.append(stack_matrices([block.get(last) for block in blocks], (4, 4), name_of, _WRITE_AGAIN))
        check_poses(poses[-1], name_of, _WRITE_AGAIN)
    return poses[0], poses[1]
