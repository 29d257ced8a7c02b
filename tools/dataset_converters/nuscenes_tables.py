"""Tables of a nuScenes-like data set: reading one, and finding the record that stopped the devkit or the converter."""

import json
import os.path as osp
from collections.abc import Iterator
from contextlib import contextmanager

FIELDS: dict[str, dict[str, str | None]] = {
    'category': {'token': None, 'name': None, 'index': None},  # index: with lidarseg
    'attribute': {'token': None},
    'visibility': {'token': None},
    'instance': {'token': None, 'category_token': 'category'},
    'sensor': {'token': None, 'channel': None, 'modality': None},
    'calibrated_sensor': {
        'token': None,
        'sensor_token': 'sensor',
        'translation': None,
        'rotation': None,
        'camera_intrinsic': None,
    },
    'ego_pose': {'token': None, 'translation': None, 'rotation': None},
    'log': {'token': None},
    'scene': {'token': None, 'name': None, 'first_sample_token': 'sample'},
    'sample': {'token': None, 'timestamp': None, 'scene_token': 'scene', 'prev': 'sample', 'next': 'sample'},
    'sample_data': {
        'token': None,
        'sample_token': 'sample',
        'ego_pose_token': 'ego_pose',
        'calibrated_sensor_token': 'calibrated_sensor',
        'timestamp': None,
        'is_key_frame': None,
        'height': None,
        'width': None,
        'filename': None,
        'prev': 'sample_data',
        'next': 'sample_data',
    },
    'sample_annotation': {
        'token': None,
        'sample_token': 'sample',
        'instance_token': 'instance',
        'translation': None,
        'size': None,
        'rotation': None,
        'num_lidar_pts': None,
        'num_radar_pts': None,
        'prev': 'sample_annotation',
        'next': 'sample_annotation',
    },
    'map': {'token': None, 'log_tokens': None, 'filename': None},
}
"""Fields that the devkit and the converter read, by table; with the table that a token leads to."""

TABLES = tuple(FIELDS)

_AGAIN = 'unpack the metadata archive again, or write the table again if it is your own'


def read_table(root: str, version: str, name: str) -> list[dict]:
    """Read one table.

    Raises:
        ValueError: If the file is not whole JSON.
    """
    path = osp.join(root, version, f'{name}.json')
    try:
        with open(path) as file:
            return json.load(file)
    except ValueError as error:
        raise ValueError(
            f'table {path} is truncated or damaged ({error}); unpack the metadata archive again'
        ) from error


def _problem(name: str, index: int, record: dict, key: str) -> str | None:
    """What is wrong with a record that ``key``, a field or a token, was looked for in or through."""
    where = f'record {record.get("token", f"number {index} (without token)")}'
    if key in FIELDS[name] and key not in record:
        return f"{where} has no field '{key}'"
    for field, target in FIELDS[name].items():
        ends = not key and field in ('prev', 'next')
        if target and record.get(field) == key and not ends:
            return f'{where} has the {field} {key}, but {target}.json has no record of that token'
    return None


def find_broken_record(root: str, version: str, key: str) -> str | None:
    """Explain a KeyError of the devkit: which record lacks the field, or leads to a record that is not there.

    Returns:
        str | None: A message with table, record and field; None if the tables do not explain the key.
    """
    for name in TABLES:
        for index, record in enumerate(read_table(root, version, name)):
            problem = _problem(name, index, record, key)
            if problem:
                return f'{osp.join(root, version, name)}.json: {problem}; {_AGAIN}'
    return None


@contextmanager
def broken_tables_named(root: str, version: str) -> Iterator[None]:
    """Turn errors of the devkit inside the block, which names neither table nor record, into ones that do.

    Raises:
        ValueError: If a table is no JSON, or a record lacks a field or leads to a record that is not there.
    """
    try:
        yield
    except json.JSONDecodeError:
        for name in (*TABLES, 'lidarseg', 'splits'):
            if osp.isfile(osp.join(root, version, f'{name}.json')):
                read_table(root, version, name)
        raise
    except KeyError as error:
        problem = find_broken_record(root, version, error.args[0])
        if problem is None:
            raise
        raise ValueError(problem) from error
