"""Info items (mmdet3d v1.1, extended for occupancy) from the tables of a nuScenes-like data set."""

import os.path as osp

import numpy as np
from nuscenes import NuScenes
from pyquaternion import Quaternion

CAMERAS = ('CAM_FRONT', 'CAM_FRONT_RIGHT', 'CAM_FRONT_LEFT', 'CAM_BACK', 'CAM_BACK_LEFT', 'CAM_BACK_RIGHT')

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


def _finite(record: dict, key: str, table: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a calibration value.

    Raises:
        ValueError: If it has another shape, or holds something else than finite numbers.
    """
    problem, values = '', np.zeros(0)
    try:
        values = np.asarray(record[key], np.float64)
    except (TypeError, ValueError):
        problem = 'holds no numbers'
    if not problem and values.shape != shape:
        problem = f'must have the shape {shape}'
    elif not problem and not np.isfinite(values).all():
        problem = 'holds NaN or infinity'
    if problem:
        raise ValueError(
            f'{key} of record {record["token"]} in {table}.json {problem}: {record[key]}; correct the table or '
            'download the metadata again'
        )
    return values


def _rotation(record: dict, table: str) -> Quaternion:
    """Return the rotation of a record.

    Raises:
        ValueError: If it is no quaternion of length one.
    """
    values = _finite(record, 'rotation', table, (4,))
    if abs(np.linalg.norm(values) - 1) > 1e-2:
        raise ValueError(
            f'rotation of record {record["token"]} in {table}.json must be a quaternion of length 1: '
            f'{record["rotation"]}; correct the table or download the metadata again'
        )
    return Quaternion(values)


def _matrix(nusc: NuScenes, table: str, token: str) -> np.ndarray:
    """4x4 matrix of a record with translation and rotation; child frame to parent frame."""
    record = nusc.get(table, token)
    matrix = np.eye(4)
    matrix[:3, :3] = _rotation(record, table).rotation_matrix
    matrix[:3, 3] = _finite(record, 'translation', table, (3,))
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
    """Records of the LiDAR sweeps before a keyframe, newest first."""
    record, records = key_record(nusc, sample, 'LIDAR_TOP'), []
    while record['prev'] and len(records) < max_sweeps:
        record = nusc.get('sample_data', record['prev'])
        records.append(record)
    return records


def _sweep(nusc: NuScenes, record: dict, global2key: np.ndarray) -> dict:
    lidar2ego, ego2global = _poses(nusc, record)
    return {
        'lidar_points': {'lidar_path': record['filename']},
        'timestamp': record['timestamp'] / 1e6,
        'sample_data_token': record['token'],
        'lidar2ego': lidar2ego.tolist(),
        'ego2global': ego2global.tolist(),
        'sweep2key': (global2key @ ego2global @ lidar2ego).tolist(),
    }


def _image(nusc: NuScenes, token: str, lidar2global: np.ndarray) -> dict:
    record = nusc.get('sample_data', token)
    cam2ego, ego2global = _poses(nusc, record)
    calibration = nusc.get('calibrated_sensor', record['calibrated_sensor_token'])
    intrinsics = _finite(calibration, 'camera_intrinsic', 'calibrated_sensor', (3, 3))
    # Through the ego poses of both timestamps: camera and LiDAR fire at different times on a moving car.
    lidar2cam = np.linalg.inv(ego2global @ cam2ego) @ lidar2global
    return {
        'img_path': osp.basename(record['filename']),
        'cam2img': intrinsics.tolist(),
        'cam2ego': cam2ego.tolist(),
        'lidar2cam': lidar2cam.tolist(),
        'ego2global': ego2global.tolist(),
        'timestamp': record['timestamp'] / 1e6,
        'sample_data_token': token,
        'height': record['height'],
        'width': record['width'],
    }


def _instances(nusc: NuScenes, sample: dict, global2lidar: np.ndarray) -> list[dict]:
    """Boxes in the LiDAR frame: x, y, z of the centre, length, width, height, yaw; metres and radians."""
    items = []
    for token in sample['anns']:
        annotation = nusc.get('sample_annotation', token)
        _rotation(annotation, 'sample_annotation')
        for key in ('translation', 'size'):
            _finite(annotation, key, 'sample_annotation', (3,))
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
        'timestamp': sample['timestamp'] / 1e6,
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
        'images': {name: _image(nusc, sample['data'][name], lidar2global) for name in CAMERAS},
        'instances': _instances(nusc, sample, global2lidar),
    }


def scene_samples(nusc: NuScenes, scene: dict) -> list[dict]:
    """Keyframes of a scene in time order.

    Raises:
        ValueError: If the samples form a circle.
    """
    samples, token, seen = [], scene['first_sample_token'], set()
    while token:
        if token in seen:
            raise ValueError(f"sample.json: 'next' of {samples[-1]['token']} leads back to {token} of {scene['name']}")
        seen.add(token)
        samples.append(nusc.get('sample', token))
        token = samples[-1]['next']
    return samples


def occ_path(scene_name: str, token: str) -> str:
    """Path of an Occ3D label below the data root."""
    return f'gts/{scene_name}/{token}/labels.npz'


def segments_path(sample_data_token: str) -> str:
    """Path of the segments of one image below the data root."""
    return f'segments/{sample_data_token}.png'
