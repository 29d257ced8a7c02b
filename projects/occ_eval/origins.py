"""Where the rays of RayIoU start: the LiDAR positions of the whole scene. T origins."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from projects.fileio import BadFileError, read_json

from .infos import key_poses

MAX_ORIGINS = 8
RADIUS = 39.0
FARTHEST = 1e4
"""Metres; no scene is as long, and rays from farther away lose their precision."""


def select_origins(origins: np.ndarray) -> np.ndarray:
    """Keep origins whose x and y are within 39 m of the ego, and at most eight of them, evenly over the sequence.

    Source: SparseOcc, ``ego_pose_dataset.py``.

    Args:
        origins (np.ndarray): LiDAR positions in the current ego frame in the order of time. Shape (T, 3), metres.

    Returns:
        np.ndarray: Shape (at most 8, 3), float64.
    """
    near = origins[(np.abs(origins[:, :2]) < RADIUS).all(1)]
    if len(near) > MAX_ORIGINS:
        near = near[np.round(np.linspace(0, len(near) - 1, MAX_ORIGINS)).astype(np.int64)]
    return np.ascontiguousarray(near, np.float64)


def scene_origins(infos: Sequence[Mapping[str, Any]], path: str = 'the info file') -> dict[str, np.ndarray]:
    """Origins of each frame from the poses of all frames of its scene.

    The positions are rounded to float32 in the LiDAR frame, as published. The result depends on which frames the list
    holds: give it the whole split.

    Args:
        infos (Sequence[Mapping]): Items of an info file: ``token``, ``timestamp``, ``scene_token`` or ``scene_name``,
            ``ego2global`` (4, 4) and ``lidar_points.lidar2ego`` (4, 4).
        path (str): Where they are from, for the messages. Defaults to 'the info file'.

    Returns:
        dict[str, np.ndarray]: Origins by token, each (T, 3) float64 in metres.

    Raises:
        ValueError: If an item does not say its scene, although others may, or a pose is no rotation and translation.
    """
    infos = sorted(infos, key=lambda item: item['timestamp'])
    key = 'scene_token' if any(info.get('scene_token') for info in infos) else 'scene_name'
    scenes: dict[str, list[int]] = {}
    for index, info in enumerate(infos):
        if not info.get(key):
            raise ValueError(
                f'sample {info["token"]} of {path} has no {key}, so the rays of RayIoU have no origins; write the info '
                'file with tools/create_data.py occ3d-nus'
            )
        scenes.setdefault(info[key], []).append(index)
    ego2global, lidar2ego = key_poses(infos, path)
    lidar2global = ego2global @ lidar2ego
    result = {}
    for frames in scenes.values():
        positions = lidar2global[frames, :, 3]
        for place, index in enumerate(frames):
            in_lidar = (positions @ np.linalg.inv(lidar2global[index]).T)[:, :3].astype(np.float32)
            in_lidar[place] = 0
            in_ego = (
                np.concatenate([in_lidar.astype(np.float64), np.ones((len(frames), 1))], 1) @ lidar2ego[index, :3].T
            )
            result[infos[index]['token']] = select_origins(in_ego)
    return result


def read_origins(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read ``{token: [[x, y, z], ...]}`` in metres in the ego frame; all of them are used.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not JSON of this form.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f'origins file not found: {path}')
    expected = f'{path} must hold {{token: [[x, y, z], ...]}} in metres in the ego frame'
    try:
        content = read_json(path)
    except BadFileError as error:
        raise ValueError(f'{expected}, but {error}') from error
    if not isinstance(content, dict):
        raise ValueError(f'{expected}, got {type(content).__name__}')
    result = {}
    for token, points in content.items():
        try:
            array = np.asarray(points, np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f'{expected}; origins of {token}: {error}') from error
        if array.ndim != 2 or array.shape[1] != 3 or not len(array) or not np.isfinite(array).all():
            raise ValueError(f'{expected}; origins of {token} have shape {array.shape} or are not finite')
        if np.abs(array).max() > FARTHEST:
            raise ValueError(f'{expected}; origins of {token} lie {np.abs(array).max():g} m away')
        result[token] = array
    return result
