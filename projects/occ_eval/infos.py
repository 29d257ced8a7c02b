"""Formats of info files: mmdet3d v1.1 (ours and mmdet3d's own) and BEVDet / mmdet3d 0.x."""

import os.path as osp
from collections.abc import Callable

import numpy as np
from pyquaternion import Quaternion

from projects.fileio import check_name

_AGAIN = 'write the file again with tools/create_data.py occ3d-nus --force'
_REQUIRED = ('token', 'timestamp', 'ego2global', 'lidar_points', 'images')


def _transform(translation: list, rotation: list) -> np.ndarray:
    """Build a 4x4 matrix from a translation and a quaternion (w, x, y, z) or a 3x3 rotation."""
    matrix = np.eye(4)
    values = np.asarray(rotation, np.float64)
    matrix[:3, :3] = Quaternion(values).rotation_matrix if values.shape == (4,) else values
    matrix[:3, 3] = translation
    return matrix


def _slashes(path: str) -> str:
    """Write a path of any system with slashes."""
    return path.replace('\\', '/')


def _file_name(path: str) -> str:
    return osp.basename(_slashes(path))


def _sweep_path(path: str) -> str:
    """Path below the data root of a sweep that a foreign file gives with its own root before it."""
    parts = _slashes(path).split('/')
    starts = [index for index, part in enumerate(parts) if part in ('samples', 'sweeps')]
    return '/'.join(parts[starts[-1] :]) if starts else f'sweeps/LIDAR_TOP/{parts[-1]}'


def _bevdet_sweep(sweep: dict) -> dict:
    return {
        'lidar_points': {'lidar_path': _sweep_path(sweep['data_path'])},
        'timestamp': sweep['timestamp'] / 1e6,
        'sample_data_token': sweep.get('sample_data_token', ''),
        'sweep2key': _transform(sweep['sensor2lidar_translation'], sweep['sensor2lidar_rotation']),
    }


def convert_bevdet_info(info: dict) -> dict:
    """Turn one item of a ``bevdetv2-nuscenes_infos_*.pkl`` or an mmdet3d 0.x file into the v1.1 form.

    Only what occupancy needs is kept: images, key LiDAR, LiDAR sweeps, label path.
    """
    images = {}
    for name, cam in info['cams'].items():
        cam2lidar = _transform(cam['sensor2lidar_translation'], cam['sensor2lidar_rotation'])
        images[name] = {
            'img_path': _file_name(cam['data_path']),
            'cam2img': cam['cam_intrinsic'],
            'cam2ego': _transform(cam['sensor2ego_translation'], cam['sensor2ego_rotation']),
            'lidar2cam': np.linalg.inv(cam2lidar),
            'ego2global': _transform(cam['ego2global_translation'], cam['ego2global_rotation']),
            'timestamp': cam['timestamp'] / 1e6,
            'sample_data_token': cam['sample_data_token'],
        }
    item = {
        'token': info['token'],
        'timestamp': info['timestamp'] / 1e6,
        'ego2global': _transform(info['ego2global_translation'], info['ego2global_rotation']),
        'scene_token': info.get('scene_token', ''),
        'scene_name': info.get('scene_name', ''),
        'images': images,
        'lidar_points': {
            'num_pts_feats': 5,
            'lidar_path': _file_name(info['lidar_path']),
            'lidar2ego': _transform(info['lidar2ego_translation'], info['lidar2ego_rotation']),
        },
        'lidar_sweeps': [_bevdet_sweep(sweep) for sweep in info.get('sweeps') or []],
    }
    item.update({key: info[key] for key in ('prev', 'next') if key in info})
    if info.get('occ_path'):
        parts = [part for part in _slashes(info['occ_path']).split('/') if part not in ('', 'labels.npz')]
        item['occ_path'] = '/'.join([*parts[-3:], 'labels.npz'])
    return item


def _stack(blocks: list[dict], key: str) -> np.ndarray | None:
    """Stack a matrix of every block, None if one has none. Shape (S, 4, 4)."""
    matrices = [block.get(key) for block in blocks]
    return None if any(matrix is None for matrix in matrices) else np.asarray(matrices, np.float64)


def _sweep2key(sweeps: list[dict], item: dict) -> np.ndarray | None:
    """Read what leads from the sweeps of mmdet3d to the key LiDAR. Shape (S, 4, 4); None if the item does not say it.

    ``lidar2sensor`` leads from the key LiDAR to the sweep's. mmdet3d before pull request 2110 (December 2022) wrote
    ``[R^T | -t]`` where ``[R | t]`` is sweep to key, later versions write the inverse ``[R^T | -R^T t]``. The ego
    poses, good to a millimetre, tell which one it is.
    """
    lidars = [sweep['lidar_points'] for sweep in sweeps]
    lidar2sensor, sweep2ego, ego2global = _stack(lidars, 'lidar2sensor'), _stack(lidars, 'lidar2ego'), None
    by_poses, key2ego = None, item['lidar_points'].get('lidar2ego')
    if sweep2ego is not None and key2ego is not None:
        ego2global = _stack(sweeps, 'ego2global')
    if ego2global is not None:
        global2key = np.linalg.inv(np.asarray(item['ego2global'], np.float64) @ np.asarray(key2ego, np.float64))
        by_poses = global2key @ ego2global @ sweep2ego
    if lidar2sensor is None:
        return by_poses
    sweep2key = np.linalg.inv(lidar2sensor)
    if by_poses is not None:
        old = sweep2key.copy()
        old[:, :3, 3] = -lidar2sensor[:, :3, 3]
        error, old_error = (np.linalg.norm((found - by_poses)[:, :3, 3], axis=1) for found in (sweep2key, old))
        is_old = old_error < np.minimum(error, 0.01)
        sweep2key[is_old] = old[is_old]
    return sweep2key


def _mmdet3d_sweeps(sweeps: list[dict], item: dict) -> list[dict]:
    """Complete the sweeps of mmdet3d's own v1.1 files; ours are left as they are."""
    sweep2key = None if any('sweep2key' in sweep for sweep in sweeps) else _sweep2key(sweeps, item)
    if sweep2key is None:
        return sweeps
    return [
        {
            'lidar_points': {'lidar_path': _sweep_path(sweep['lidar_points']['lidar_path'])},
            'timestamp': sweep['timestamp'],
            'sample_data_token': sweep.get('sample_data_token', ''),
            'sweep2key': matrix,
        }
        for sweep, matrix in zip(sweeps, sweep2key)
    ]


def _with_slashes(block: dict, keys: tuple[str, ...]) -> dict:
    """Return a block of an item with slashes in its paths."""
    changed = {key: _slashes(block[key]) for key in keys if isinstance(block.get(key), str) and '\\' in block[key]}
    return {**block, **changed} if changed else block


def _complete(item: dict) -> dict:
    """Return a v1.1 item with paths that every system reads and ``sweep2key`` in every sweep."""
    item = _with_slashes(item, ('occ_path', 'pts_semantic_mask_path'))
    images = {name: _with_slashes(image, ('img_path', 'segments_path')) for name, image in item['images'].items()}
    item = {**item, 'images': images, 'lidar_points': _with_slashes(item['lidar_points'], ('lidar_path',))}
    if item.get('lidar_sweeps'):
        sweeps = [
            {**sweep, 'lidar_points': _with_slashes(sweep['lidar_points'], ('lidar_path',))}
            for sweep in item['lidar_sweeps']
        ]
        item['lidar_sweeps'] = _mmdet3d_sweeps(sweeps, item)
    return item


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
            f'item {index} of {path} (sample {item.get("token", "without token")}), or one of its cameras or sweeps, '
            f'{problem}; write the file again, with tools/create_data.py occ3d-nus --force for instance'
        ) from error


def _list_of_dicts(items: object, key: str, path: str) -> list[dict]:
    if not isinstance(items, list):
        raise ValueError(f'{key} of {path} must be a list, got {type(items).__name__}; {_AGAIN}')
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise ValueError(f'item {index} of {path} must be a dict, got {type(item).__name__}; {_AGAIN}')
    return items


def _check_tokens(item: dict, where: str) -> None:
    """Refuse tokens that cannot be names of the files that predictions are written to."""
    check_name(item['token'], 'token', where)
    lidar = item['lidar_points']
    if isinstance(lidar, dict) and lidar.get('sample_data_token'):
        check_name(lidar['sample_data_token'], 'lidar_points.sample_data_token', where)


def read_info_items(content: object, path: str) -> list[dict]:
    """Return the items of a loaded info file in v1.1 form.

    Sweeps of every format get ``sweep2key``, and a path may have slashes or backslashes between its folders.

    Raises:
        ValueError: If the content is neither v1.1 (``data_list``) nor BEVDet (``infos``), holds no sample, or an
            item is not whole or has a token that is no file name.
    """
    if isinstance(content, dict) and 'data_list' in content:
        items = _list_of_dicts(content['data_list'], 'data_list', path)
    elif isinstance(content, dict) and 'infos' in content:
        infos = _list_of_dicts(content['infos'], 'infos', path)
        items = [_converted(convert_bevdet_info, info, index, path) for index, info in enumerate(infos)]
    else:
        keys = sorted(content) if isinstance(content, dict) else type(content).__name__
        raise ValueError(
            f"{path} is no info file: expected the key 'data_list' (mmdet3d v1.1) or 'infos' (BEVDet), got {keys}; "
            'write it with tools/create_data.py occ3d-nus'
        )
    if not items:
        raise ValueError(f'{path} holds no samples; write it again with tools/create_data.py occ3d-nus --force')
    for index, item in enumerate(items):
        missing = [key for key in _REQUIRED if key not in item]
        if missing:
            raise ValueError(
                f'item {index} of {path} (sample {item.get("token", "without token")}) lacks {missing}; {_AGAIN}'
            )
        _check_tokens(item, f'item {index} of {path}')
    return [_converted(_complete, item, index, path) for index, item in enumerate(items)]
