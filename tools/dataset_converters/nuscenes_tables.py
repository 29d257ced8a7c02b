"""Tables of a nuScenes-like data set: reading one, and finding the record that stopped the devkit or the converter."""

import gc
import json
import os.path as osp
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from nuscenes import NuScenes

from projects.fileio import no_collection, read_json

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
_LIDARSEG = {'token': None, 'sample_data_token': 'sample_data', 'filename': None}  # a table that need not be there
_NUMBERS = ('index', 'timestamp', 'height', 'width', 'num_lidar_pts', 'num_radar_pts')
_LISTS = ('translation', 'rotation', 'camera_intrinsic', 'size', 'log_tokens')
_KINDS = {'is_key_frame': (bool,), **dict.fromkeys(_NUMBERS, (int, float)), **dict.fromkeys(_LISTS, (list,))}
"""Kinds of fields that are no text."""

_SLIPS = (AssertionError, AttributeError, IndexError, KeyError, RecursionError, TypeError)
"""What the devkit and the converter raise, without a word, on records that are not what they should be."""
_AGAIN = 'unpack the metadata archive again, or write the table again if it is your own'


def read_table(root: str, version: str, name: str) -> list[dict]:
    """Read one table.

    Raises:
        ValueError: If the file is not whole JSON, or no list of records.
    """
    path = osp.join(root, version, f'{name}.json')
    rows = read_json(path, _AGAIN)
    if not isinstance(rows, list):
        raise ValueError(f'{path} must be a list of records, got {type(rows).__name__}; {_AGAIN}')
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise ValueError(f'{path}: record number {index} must be a dict, got {type(row).__name__}; {_AGAIN}')
    return rows


def load_tables(root: str, version: str) -> NuScenes:
    """Load all tables, millions of records that the garbage collector then leaves alone for good.

    It would look through all of them again and again. So would that of each forked worker, and since it writes into
    every record that it looks at, the worker would get a copy of all tables.
    """
    print(f'{version} in {root}: loading the tables, a minute or two for v1.0-trainval', flush=True)
    with no_collection():
        nusc = NuScenes(version=version, dataroot=root, verbose=False)
        gc.freeze()
    return nusc


def _fields(root: str, version: str) -> dict[str, dict[str, str | None]]:
    """Fields by table, for the tables that are there."""
    fields = {**FIELDS, 'lidarseg': _LIDARSEG}
    return {name: keys for name, keys in fields.items() if osp.isfile(osp.join(root, version, f'{name}.json'))}


def _kind_problem(record: dict, keys: Iterable[str]) -> str | None:
    """What is wrong with the kinds of a record's fields."""
    for key in keys:
        kinds = _KINDS.get(key, (str,))
        value = record.get(key)
        if key in record and not isinstance(value, kinds):
            return f'has the {key} {value!r}, expected {" or ".join(kind.__name__ for kind in kinds)}'
    return None


def find_wrong_kind(root: str, version: str) -> str | None:
    """Find a record with a field of another kind than the devkit and the converter expect, or a token that two have.

    Returns:
        str | None: A message with table, record and field; None if there is none.

    Raises:
        ValueError: If a table is not whole JSON, or no list of records.
    """
    for name, keys in _fields(root, version).items():
        seen = set()
        for index, record in enumerate(read_table(root, version, name)):
            problem = _kind_problem(record, keys)
            token = record.get('token')
            if problem is None and token is not None and token in seen:
                problem = 'has the token of another record'
            if problem:
                where = f'record number {index} ({token})'
                return f'{osp.join(root, version, name)}.json: {where} {problem}; {_AGAIN}'
            seen.add(token)
    path = osp.join(root, version, 'splits.json')
    if osp.isfile(path):
        splits = read_json(path)
        lists = splits.values() if isinstance(splits, dict) else [None]
        if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists):
            return f'{path} must hold {{split: [scene names]}}'
    return None


def check_tokens(nusc: NuScenes, root: str, version: str) -> None:
    """Stop at a token that is no text, or that two records have, which the devkit takes without a word.

    Raises:
        ValueError: If there is one; names table and record.
    """
    for name in nusc.table_names:
        tokens = [record.get('token') for record in getattr(nusc, name)]
        if len(set(tokens)) < len(tokens) or not all(isinstance(token, str) for token in tokens):
            raise ValueError(find_wrong_kind(root, version))


def _problem(fields: dict[str, str | None], index: int, record: dict, key: str) -> str | None:
    """What is wrong with a record that ``key``, a field or a token, was looked for in or through."""
    where = f'record {record.get("token", f"number {index} (without token)")}'
    if key in fields and key not in record:
        return f"{where} has no field '{key}'"
    for field, target in fields.items():
        ends = not key and field in ('prev', 'next')
        if target and record.get(field) == key and not ends:
            return f'{where} has the {field} {key}, but {target}.json has no record of that token'
    return None


def find_broken_record(root: str, version: str, key: str) -> str | None:
    """Explain a KeyError of the devkit: which record lacks the field, or leads to a record that is not there.

    Returns:
        str | None: A message with table, record and field; None if the tables do not explain the key.
    """
    for name, fields in _fields(root, version).items():
        for index, record in enumerate(read_table(root, version, name)):
            problem = _problem(fields, index, record, key)
            if problem:
                return f'{osp.join(root, version, name)}.json: {problem}; {_AGAIN}'
    return None


@contextmanager
def broken_tables_named(root: str, version: str) -> Iterator[None]:
    """Turn errors of the devkit inside the block, which names neither table nor record, into ones that do.

    Raises:
        ValueError: If a table is no JSON, or a record lacks a field, has one of another kind, or leads to a record that
            is not there.
    """
    try:
        yield
    except (json.JSONDecodeError, UnicodeDecodeError, *_SLIPS) as error:
        problem = find_wrong_kind(root, version)
        if problem is None and isinstance(error, KeyError):
            problem = find_broken_record(root, version, error.args[0])
        if problem is None:
            raise
        raise ValueError(problem) from error
