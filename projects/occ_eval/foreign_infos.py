"""Info files that others wrote, item by item in our form: BEVDet / mmdet3d 0.x, and mmdet3d's own v1.1.

mmdet3d changed the meaning of two keys of v1.1 in December 2022 without a new version; here the numbers tell which.
"""

import os.path as osp
import warnings

import numpy as np

from projects.geometry import as_rotation

_LOOKED_AT = 8


def _transform(block: dict, name: str) -> np.ndarray:
    """Build a 4x4 matrix from ``<name>_translation`` and ``<name>_rotation``, a quaternion or a 3x3 rotation."""
    matrix = np.eye(4)
    rotation = block[f'{name}_rotation']
    # A quaternion loses its length here, so it is checked here; matrices are checked by those who use them.
    matrix[:3, :3] = as_rotation(rotation, f'{name}_rotation') if len(rotation) == 4 else rotation
    matrix[:3, 3] = block[f'{name}_translation']
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
        'sweep2key': _transform(sweep, 'sensor2lidar'),
    }


def convert_bevdet_info(info: dict) -> dict:
    """Turn one item of a ``bevdetv2-nuscenes_infos_*.pkl`` or an mmdet3d 0.x file into the v1.1 form.

    Only what occupancy needs is kept: images, key LiDAR, LiDAR sweeps, label path.
    """
    images = {}
    for name, cam in info['cams'].items():
        cam2lidar = _transform(cam, 'sensor2lidar')
        images[name] = {
            'img_path': _file_name(cam['data_path']),
            'cam2img': cam['cam_intrinsic'],
            'cam2ego': _transform(cam, 'sensor2ego'),
            'lidar2cam': np.linalg.inv(cam2lidar),
            'ego2global': _transform(cam, 'ego2global'),
            'timestamp': cam['timestamp'] / 1e6,
            'sample_data_token': cam['sample_data_token'],
        }
    item = {
        'token': info['token'],
        'timestamp': info['timestamp'] / 1e6,
        'ego2global': _transform(info, 'ego2global'),
        'scene_token': info.get('scene_token', ''),
        'scene_name': info.get('scene_name', ''),
        'images': images,
        'lidar_points': {
            'num_pts_feats': 5,
            'lidar_path': _file_name(info['lidar_path']),
            'lidar2ego': _transform(info, 'lidar2ego'),
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


def complete_item(item: dict) -> dict:
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


def correct_cameras(items: list[dict], path: str) -> list[dict]:
    """Correct ``lidar2cam`` of a file of mmdet3d from before pull request 2110 (December 2022), with a warning.

    Such a file has ``[R^T | -t]`` where ``[R | t]`` is camera to LiDAR, later ones the inverse ``[R^T | -R^T t]``. One
    version writes a whole file, so a few samples tell.
    """
    chosen = [items[index] for index in np.unique(np.linspace(0, len(items) - 1, _LOOKED_AT).astype(int))]
    errors = [pair for item in chosen if (pair := _camera_errors(item)) is not None]
    if not errors:
        return items
    as_written, as_old = np.sum(errors, axis=0)
    if not (as_written > 0.1 * len(errors) and as_old < 0.25 * as_written):
        return items
    warnings.warn(
        f'{path} is of mmdet3d from before December 2022: the translations of lidar2cam are wrong there (cameras '
        f'{as_written / len(errors):.2f} m beside those of cam2ego). They are corrected while the file is read; write '
        'it again with tools/create_data.py occ3d-nus to be rid of this warning',
        stacklevel=3,
    )
    return [{**item, 'images': {name: _corrected(image) for name, image in item['images'].items()}} for item in items]


def _corrected(image: dict) -> dict:
    if image.get('lidar2cam') is None:
        return image
    lidar2cam = np.array(image['lidar2cam'], np.float64)
    lidar2cam[:3, 3] = lidar2cam[:3, :3] @ lidar2cam[:3, 3]
    return {**image, 'lidar2cam': lidar2cam}


def _camera_errors(item: dict) -> tuple[float, float] | None:
    """How far the cameras of an item are from where ``cam2ego`` has them, read as written and as written before 2110.

    The car moves between the firing of LiDAR and camera: what is proportional to that time is taken off.

    Returns:
        tuple[float, float] | None: Root mean squares in metres; None if the item does not tell.
    """
    cameras = list(item['images'].values())
    lidar2ego = item['lidar_points'].get('lidar2ego')
    try:
        lags = np.array([camera['timestamp'] - item['timestamp'] for camera in cameras], np.float64)
        lidar2cam, cam2ego = _stack(cameras, 'lidar2cam'), _stack(cameras, 'cam2ego')
        if lidar2cam is None or cam2ego is None or lidar2ego is None or len(cameras) < 4:
            return None
        expected = (np.linalg.inv(np.asarray(lidar2ego, np.float64)) @ cam2ego)[:, :3, 3]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # whoever uses these cameras says what is wrong with them
    as_written = -(lidar2cam[:, :3, :3].transpose(0, 2, 1) @ lidar2cam[:, :3, 3:])[:, :, 0]
    result = []
    for centres in (as_written, -lidar2cam[:, :3, 3]):
        shift = centres - expected
        speed = lags @ shift / max(float(lags @ lags), 1e-12)
        rest = shift - lags[:, None] * speed
        result.append(float(np.sqrt((rest**2).sum(1).mean())))
    return (result[0], result[1]) if np.isfinite(result).all() else None
