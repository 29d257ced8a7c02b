"""Formats of info files: mmdet3d v1.1 (ours) and BEVDet."""

import os.path as osp

import numpy as np
from pyquaternion import Quaternion

_REQUIRED = ('token', 'timestamp', 'ego2global', 'lidar_points', 'images')


def _transform(translation: list, rotation: list) -> np.ndarray:
    """Build a 4x4 matrix from a translation and a quaternion (w, x, y, z) or a 3x3 rotation."""
    matrix = np.eye(4)
    values = np.asarray(rotation, np.float64)
    matrix[:3, :3] = Quaternion(values).rotation_matrix if values.shape == (4,) else values
    matrix[:3, 3] = translation
    return matrix


def convert_bevdet_info(info: dict) -> dict:
    """Turn one item of a ``bevdetv2-nuscenes_infos_*.pkl`` into the v1.1 form.

    Only what occupancy needs is kept: images, key LiDAR, label path. BEVDet files hold no sweeps.
    """
    images = {}
    for name, cam in info['cams'].items():
        cam2lidar = _transform(cam['sensor2lidar_translation'], cam['sensor2lidar_rotation'])
        images[name] = {
            'img_path': osp.basename(cam['data_path']),
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
            'lidar_path': osp.basename(info['lidar_path']),
            'lidar2ego': _transform(info['lidar2ego_translation'], info['lidar2ego_rotation']),
        },
    }
    if info.get('occ_path'):
        item['occ_path'] = '/'.join([*info['occ_path'].replace('\\', '/').split('/')[-3:], 'labels.npz'])
    return item


def read_info_items(content: object, path: str) -> list[dict]:
    """Return the items of a loaded info file in v1.1 form.

    Raises:
        ValueError: If the content is neither v1.1 (``data_list``) nor BEVDet (``infos``), holds no sample, or an
            item is not whole.
    """
    if isinstance(content, dict) and 'data_list' in content:
        items = content['data_list']
    elif isinstance(content, dict) and 'infos' in content:
        items = [convert_bevdet_info(info) for info in content['infos']]
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
                f'item {index} of {path} (sample {item.get("token", "without token")}) lacks {missing}; '
                'write the file again with tools/create_data.py occ3d-nus --force'
            )
    return items
