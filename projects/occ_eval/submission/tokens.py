"""What a submission must hold, from an info file."""

import os
from collections.abc import Iterable
from typing import NamedTuple

from projects.fileio import list_names, restricted_load
from projects.occ_eval.infos import read_info_items
from projects.occ_eval.layouts import frames_of_scenes

_BYTES_PER_POINT = 20  # five float32


class Scan(NamedTuple):
    """Key scan of a sample.

    Attributes:
        token (str): Token of the LiDAR sample_data.
        points (int | None): Number of points; None if the scan is not at hand.
    """

    token: str
    points: int | None


def token_problems(found: Iterable[str], expected: Iterable[str], what: str) -> list[str]:
    """What is missing and what is too many."""
    found_set, expected_list = set(found), list(expected)
    missing = [token for token in expected_list if token not in found_set]
    extra = sorted(found_set - set(expected_list))
    problems = [f'{len(missing)} {what} missing: {list_names(missing)}'] if missing else []
    if extra:
        problems.append(f'{len(extra)} {what} of tokens that are not in the info file: {list_names(extra)}')
    return problems


def read_tokens(infos: str | os.PathLike) -> list[str]:
    """Sample tokens of an info file."""
    return [item['token'] for item in read_info_items(restricted_load(infos), os.fspath(infos))]


def read_tokens_and_scenes(infos: str | os.PathLike) -> tuple[list[str], dict[str, list[str]]]:
    """Sample tokens of an info file, and those of each scene in the order of time."""
    items = read_info_items(restricted_load(infos), os.fspath(infos))
    return [item['token'] for item in items], frames_of_scenes(items)


def read_scans(infos: str | os.PathLike, data_root: str | None = None) -> list[Scan]:
    """LiDAR tokens of an info file and, with the root of the data set, how many points each scan has.

    Raises:
        FileNotFoundError: If a scan is not below ``data_root``.
        ValueError: If an item has no LiDAR token, or that of another item.
    """
    scans: list[Scan] = []
    samples: dict[str, str] = {}
    for item in read_info_items(restricted_load(infos), os.fspath(infos)):
        lidar = item['lidar_points']
        token = lidar.get('sample_data_token')
        if not token:
            raise ValueError(
                f'sample {item["token"]} of {infos} has no lidar_points.sample_data_token, by which lidarseg files are '
                'named; write the info file with tools/create_data.py occ3d-nus'
            )
        if token in samples:
            raise ValueError(
                f'samples {samples[token]} and {item["token"]} of {infos} have one lidar_points.sample_data_token, '
                f'{token}, so the scan would count twice; write the file again with tools/create_data.py occ3d-nus '
                '--force'
            )
        samples[token] = item['token']
        points = None
        if data_root is not None:
            path = os.path.join(data_root, 'samples/LIDAR_TOP', lidar['lidar_path'])
            if not os.path.isfile(path):
                raise FileNotFoundError(
                    f'{path} is not there; {data_root} must be the root of nuScenes, with the scans of {infos} in '
                    'samples/LIDAR_TOP'
                )
            points = os.path.getsize(path) // _BYTES_PER_POINT
        scans.append(Scan(token, points))
    return scans
