"""Records of the nuScenes tables (https://www.nuscenes.org/nuscenes#data-format)."""

import hashlib
from itertools import pairwise

import numpy as np

from projects.minidrive.shapes.geometry import quaternion
from projects.minidrive.shapes.taxonomy import ATTRIBUTES, CATEGORY_NAMES, VISIBILITY_LEVELS
from projects.minidrive.street.ego_car import CAMERAS, LIDAR

TABLE_NAMES = (
    'attribute', 'calibrated_sensor', 'category', 'ego_pose', 'instance', 'lidarseg', 'log', 'map', 'sample',
    'sample_annotation', 'sample_data', 'scene', 'sensor', 'visibility',
)  # fmt: skip
START_TIME = 1_704_110_400_000_000  # microseconds; scenes follow one minute apart

Record = dict[str, object]


class Tokens:
    """Tokens of one data set: 32 hex digits that follow from the preset, the seed and a name."""

    def __init__(self, preset: str, seed: int) -> None:
        self._prefix = f'minidrive/{preset}/{seed}'

    def __call__(self, *name: object) -> str:
        """Token of whatever ``name`` names."""
        return hashlib.md5('/'.join([self._prefix, *map(str, name)]).encode()).hexdigest()


def timestamp(scene_index: int, time: float) -> int:
    """Microseconds since 1970 of a time in a scene."""
    return START_TIME + 60_000_000 * scene_index + round(time * 1e6)


def pose_fields(transform: np.ndarray) -> Record:
    """Fields ``translation`` and ``rotation`` (w, x, y, z) of a rigid transform (4, 4)."""
    return {'translation': [float(v) for v in transform[:3, 3]], 'rotation': quaternion(transform[:3, :3])}


def static_tables(tokens: Tokens) -> dict[str, list[Record]]:
    """Tables that every scene shares: category, attribute, visibility, sensor."""
    return {
        'category': [
            {
                'token': tokens('category', name),
                'name': name,
                'description': f'nuScenes category {name}.',
                'index': index,
            }
            for index, name in enumerate(CATEGORY_NAMES)
        ],
        'attribute': [
            {'token': tokens('attribute', name), 'name': name, 'description': text} for name, text in ATTRIBUTES.items()
        ],
        'visibility': [
            {'token': token, 'level': level, 'description': f'visibility of whole object is between {level[1:]} %'}
            for token, (level, _) in VISIBILITY_LEVELS.items()
        ],
        'sensor': [
            {'token': tokens('sensor', name), 'channel': name, 'modality': 'lidar' if name == LIDAR else 'camera'}
            for name in (LIDAR, *CAMERAS)
        ],
    }


def link(records: list[Record]) -> list[Record]:
    """Fill ``prev`` and ``next`` of records that follow each other; '' at the ends."""
    for before, after in pairwise(records):
        before['next'], after['prev'] = after['token'], before['token']
    if records:
        records[0]['prev'], records[-1]['next'] = '', ''
    return records
