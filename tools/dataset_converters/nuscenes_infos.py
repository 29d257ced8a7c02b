"""Info items (mmdet3d v1.1, extended for occupancy) from the tables of a nuScenes-like data set."""

import os.path as osp

import numpy as np
from nuscenes import NuScenes

from projects.geometry import as_intrinsics, as_matrix, as_rotation, is_finite_number
from projects.occ_eval.classes import NUSC_CAMERAS

BOX_CLASSES = (
    'car',
    'truck',
    'trailer',
    'bus',
    'construction_vehicle',
    'bicycle',
    'motorcycle',
    'pedestrian',
    'traffic_cone',
    'barrier',
)

_BOX_NAMES = {
    'movable_object.barrier': 'barrier',
    'movable_object.trafficcone': 'traffic_cone',
    'vehicle.bicycle': 'bicycle',
    'vehicle.bus.bendy': 'bus',
    'vehicle.bus.rigid': 'bus',
    'vehicle.car': 'car',
    'vehicle.construction': 'construction_vehicle',
    'vehicle.motorcycle': 'motorcycle',
    'vehicle.trailer': 'trailer',
    'vehicle.truck': 'truck',
    'human.pedestrian.adult': 'pedestrian',
    'human.pedestrian.child': 'pedestrian',
    'human.pedestrian.construction_worker': 'pedestrian',
    'human.pedestrian.police_officer': 'pedestrian',
}


_CORRECT = 'correct the table or download the metadata again'


def seconds(record: dict, table: str) -> float:
    """Time of a record in seconds.

    Raises:
        ValueError: If it is no number.
    """
    if not is_finite_number(record['timestamp']):
        raise ValueError(
            f'timestamp of record {record["token"]} in {table}.json must be microseconds, got {record["timestamp"]!r}; '
            f'{_CORRECT}'
        )
    return record['timestamp'] / 1e6


def _check_order(first: dict, second: dict, table: str, key: str) -> None:
    """Check that two neighbours of a table are in the order of time.

    Args:
        first (dict): The record that must be earlier.
        second (dict): The record that must be later.
        table (str): Table of both.
        key (str): 'prev' or 'next': what led from the one to the other.

    Raises:
        ValueError: If they are not, for instance because both are one record.
    """
    if not seconds(first, table) < seconds(second, table):
        owner, other = (first, second) if key == 'next' else (second, first)
        raise ValueError(
            f'record {owner["token"]} in {table}.json of the time {owner["timestamp"]} has the {key} {other["token"]} '
            f'of the time {other["timestamp"]}, which is not {"later" if key == "next" else "earlier"}; {_CORRECT}'
        )


def _matrix(nusc: NuScenes, table: str, token: str) -> np.ndarray:
    """4x4 matrix of a record with translation and rotation; child frame to parent frame."""
    record = nusc.get(table, token)
    where = f'of record {record["token"]} in {table}.json'
    matrix = np.eye(4)
    matrix[:3, :3] = as_rotation(record['rotation'], f'rotation {where}', _CORRECT)
    matrix[:3, 3] = as_matrix(record['translation'], (3,), f'translation {where}', _CORRECT)
    return matrix


def _poses(nusc: NuScenes, sample_data: dict) -> tuple[np.ndarray, np.ndarray]:
    """Sensor to ego, ego to global, both at the time of the record."""
    sensor2ego = _matrix(nusc, 'calibrated_sensor', sample_data['calibrated_sensor_token'])
    return sensor2ego, _matrix(nusc, 'ego_pose', sample_data['ego_pose_token'])


def key_record(nusc: NuScenes, sample: dict, sensor: str) -> dict:
    """Return the record of a sensor's key frame.

    Raises:
        ValueError: If the tables hold none.
    """
    if sensor not in sample['data']:
        raise ValueError(
            f'sample_data.json has no key frame of {sensor} for sample {sample["token"]}; unpack the metadata archive '
            'again, or write the table again if it is your own'
        )
    return nusc.get('sample_data', sample['data'][sensor])


def sweep_records(nusc: NuScenes, sample: dict, max_sweeps: int) -> list[dict]:
    """Records of the LiDAR sweeps before a keyframe, newest first.

    Raises:
        ValueError: If one is not earlier than the next, or the tables hold no key frame.
    """
    record, records = key_record(nusc, sample, 'LIDAR_TOP'), []
    while record['prev'] and len(records) < max_sweeps:
        before = nusc.get('sample_data', record['prev'])
        _check_order(before, record, 'sample_data', 'prev')
        record = before
        records.append(record)
    return records


def _sweep(nusc: NuScenes, record: dict, global2key: np.ndarray) -> dict:
    lidar2ego, ego2global = _poses(nusc, record)
    return {
        'lidar_points': {'lidar_path': record['filename']},
        'timestamp': seconds(record, 'sample_data'),
        'sample_data_token': record['token'],
        'lidar2ego': lidar2ego.tolist(),
        'ego2global': ego2global.tolist(),
        'sweep2key': (global2key @ ego2global @ lidar2ego).tolist(),
    }


def _image(nusc: NuScenes, token: str, lidar2global: np.ndarray) -> dict:
    record = nusc.get('sample_data', token)
    cam2ego, ego2global = _poses(nusc, record)
    calibration = nusc.get('calibrated_sensor', record['calibrated_sensor_token'])
    name = f'camera_intrinsic of record {calibration["token"]} in calibrated_sensor.json'
    intrinsics = as_intrinsics(calibration['camera_intrinsic'], name, _CORRECT)
    # Through the ego poses of both timestamps: camera and LiDAR fire at different times on a moving car.
    lidar2cam = np.linalg.inv(ego2global @ cam2ego) @ lidar2global
    return {
        'img_path': osp.basename(record['filename']),
        'cam2img': intrinsics.tolist(),
        'cam2ego': cam2ego.tolist(),
        'lidar2cam': lidar2cam.tolist(),
        'ego2global': ego2global.tolist(),
        'timestamp': seconds(record, 'sample_data'),
        'sample_data_token': token,
        'height': record['height'],
        'width': record['width'],
    }


def _instances(nusc: NuScenes, sample: dict, global2lidar: np.ndarray) -> list[dict]:
    """Boxes in the LiDAR frame: x, y, z of the centre, length, width, height, yaw; metres and radians."""
    items = []
    for token in sample['anns']:
        annotation = nusc.get('sample_annotation', token)
        where = f'of record {token} in sample_annotation.json'
        as_rotation(annotation['rotation'], f'rotation {where}', _CORRECT)
        for key in ('translation', 'size'):
            as_matrix(annotation[key], (3,), f'{key} {where}', _CORRECT)
        box = nusc.get_box(token)
        center = global2lidar[:3, :3] @ box.center + global2lidar[:3, 3]
        forward = global2lidar[:3, :3] @ box.orientation.rotation_matrix[:, 0]
        velocity = global2lidar[:3, :3] @ [*nusc.box_velocity(token)[:2], 0.0]
        name = _BOX_NAMES.get(annotation['category_name'])
        label = BOX_CLASSES.index(name) if name else -1
        yaw = float(np.arctan2(forward[1], forward[0]))
        items.append(
            {
                'bbox_3d': [*center.tolist(), *(float(box.wlh[i]) for i in (1, 0, 2)), yaw],
                'bbox_label': label,
                'bbox_label_3d': label,
                'bbox_3d_isvalid': annotation['num_lidar_pts'] + annotation['num_radar_pts'] > 0,
                'num_lidar_pts': annotation['num_lidar_pts'],
                'num_radar_pts': annotation['num_radar_pts'],
                'velocity': [float(value) if np.isfinite(value) else 0.0 for value in velocity[:2]],
            }
        )
    return items


def sample_info(nusc: NuScenes, sample: dict, sample_idx: int, max_sweeps: int) -> dict:
    """Make the item of one keyframe; label, lidarseg and segment paths are added by the caller, who knows the disk."""
    scene = nusc.get('scene', sample['scene_token'])
    record = key_record(nusc, sample, 'LIDAR_TOP')
    lidar2ego, ego2global = _poses(nusc, record)
    lidar2global = ego2global @ lidar2ego
    global2lidar = np.linalg.inv(lidar2global)
    return {
        'sample_idx': sample_idx,
        'token': sample['token'],
        'timestamp': seconds(sample, 'sample'),
        'ego2global': ego2global.tolist(),
        'scene_token': scene['token'],
        'scene_name': scene['name'],
        'prev': sample['prev'],
        'next': sample['next'],
        'lidar_points': {
            'num_pts_feats': 5,
            'lidar_path': osp.basename(record['filename']),
            'lidar2ego': lidar2ego.tolist(),
            'sample_data_token': record['token'],
        },
        'lidar_sweeps': [_sweep(nusc, sweep, global2lidar) for sweep in sweep_records(nusc, sample, max_sweeps)],
        'images': {name: _image(nusc, sample['data'][name], lidar2global) for name in NUSC_CAMERAS},
        'instances': _instances(nusc, sample, global2lidar),
    }


def scene_samples(nusc: NuScenes, scene: dict) -> list[dict]:
    """Keyframes of a scene in time order.

    Raises:
        ValueError: If the samples form a circle or are not in the order of time.
    """
    samples, token, seen = [], scene['first_sample_token'], set()
    while token:
        if token in seen:
            raise ValueError(f"sample.json: 'next' of {samples[-1]['token']} leads back to {token} of {scene['name']}")
        seen.add(token)
        sample = nusc.get('sample', token)
        if samples:
            _check_order(samples[-1], sample, 'sample', 'next')
        samples.append(sample)
        token = samples[-1]['next']
    return samples


def occ_path(scene_name: str, token: str) -> str:
    """Path of an Occ3D label below the data root."""
    return f'gts/{scene_name}/{token}/labels.npz'


def segments_path(sample_data_token: str) -> str:
    """Path of the segments of one image below the data root."""
    return f'segments/{sample_data_token}.png'
