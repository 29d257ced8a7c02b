"""Writer of a tiny data set in nuScenes + Occ3D format, for tests of several folders."""

import itertools
import json
import zlib
from pathlib import Path

import cv2
import numpy as np

# Heading of each camera in degrees, counter-clockwise from the driving direction, and its firing time in milliseconds
# relative to the LiDAR.
FAKE_CAMERAS = {
    'CAM_FRONT_LEFT': (55, -40),
    'CAM_FRONT': (0, -30),
    'CAM_FRONT_RIGHT': (-55, -20),
    'CAM_BACK_LEFT': (110, 10),
    'CAM_BACK': (180, 0),
    'CAM_BACK_RIGHT': (-110, 20),
}
FAKE_SPEED = 10.0  # m/s along the ego's x axis, which is also the global x axis
FAKE_FOCAL = 80.0
FAKE_SIZE = (90, 160)
FAKE_LIDAR = (1.0, 0.0, 1.8)  # position in the ego frame; the LiDAR's axes are the ego's turned by -90 degrees
FAKE_SCENES = {
    'v1.0-mini': {
        'scene-0061': 3,
        'scene-0553': 1,
        'scene-0655': 1,
        'scene-0757': 1,
        'scene-0796': 1,
        'scene-1077': 1,
        'scene-1094': 1,
        'scene-1100': 1,
        'scene-0103': 2,
        'scene-0916': 1,
    },
    'v1.0-test': {'scene-0077': 2},
    'v1.0-minidrive': {'scene-9001': 3, 'scene-9002': 2},
}


def _token(*parts: object) -> str:
    return f'{zlib.crc32(repr(parts).encode()):08x}' * 4


def _yaw_quaternion(degrees: float) -> list[float]:
    half = np.deg2rad(degrees) / 2
    return [float(np.cos(half)), 0.0, 0.0, float(np.sin(half))]


def _camera_quaternion(degrees: float) -> list[float]:
    """Camera axes (right, down, forward) in the ego frame, turned by the heading."""
    w, x, y, z = 0.5, -0.5, 0.5, -0.5
    cos, _, _, sin = _yaw_quaternion(degrees)
    return [cos * w - sin * z, cos * x - sin * y, cos * y + sin * x, cos * z + sin * w]


def fake_label(seed: int) -> dict[str, np.ndarray]:
    """An Occ3D-like label: a road, a few cars, the rest free."""
    rng = np.random.default_rng(seed)
    semantics = np.full((200, 200, 16), 17, np.uint8)
    semantics[:, :, 2] = 11
    for x, y in rng.integers(20, 180, (5, 2)):
        semantics[x : x + 10, y : y + 5, 3:7] = 4
    mask_camera = np.zeros(semantics.shape, np.uint8)
    mask_camera[50:150, 40:160] = 1
    return {'semantics': semantics, 'mask_lidar': np.ones_like(mask_camera), 'mask_camera': mask_camera}


class FakeNuScenes:
    """Writer of a data set in nuScenes format: two scenes, 2 Hz keyframes, one LiDAR sweep between two of them."""

    def __init__(
        self, root: Path, version: str, labels: bool, segments: bool, scenes: dict[str, int] | None = None
    ) -> None:
        self.root, self.version, self.labels, self.segments = root, version, labels, segments
        self.scenes = scenes or FAKE_SCENES[version]
        names = 'attribute visibility instance sensor calibrated_sensor ego_pose log scene sample sample_data'
        self.tables: dict[str, list] = {name: [] for name in f'category {names} sample_annotation map'.split()}

    def write(self) -> Path:
        """Write everything and return the root."""
        (self.root / 'maps').mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(self.root / 'maps/map.png'), np.zeros((4, 4), np.uint8))
        self.tables['category'].append({'token': 'category-car', 'name': 'vehicle.car', 'description': ''})
        self._sensors()
        for index, (name, count) in enumerate(self.scenes.items()):
            self._scene(index, name, count)
        logs = [record['token'] for record in self.tables['log']]
        self.tables['map'].append({'token': 'map', 'log_tokens': logs, 'category': '', 'filename': 'maps/map.png'})
        folder = self.root / self.version
        folder.mkdir(exist_ok=True)
        for name, records in self.tables.items():
            (folder / f'{name}.json').write_text(json.dumps(records))
        first, *rest = FAKE_SCENES[self.version]
        splits = {'minidrive_train': [first], 'minidrive_val': rest}
        (folder / 'splits.json').write_text(json.dumps(splits))
        return self.root

    def _sensors(self) -> None:
        height, width = FAKE_SIZE
        intrinsics = [[FAKE_FOCAL, 0, width / 2 - 0.5], [0, FAKE_FOCAL, height / 2 - 0.5], [0, 0, 1]]
        sensors = [
            (n, 'camera', [1.5, 0.0, 1.5], _camera_quaternion(a), intrinsics) for n, (a, _) in FAKE_CAMERAS.items()
        ]
        sensors.append(('LIDAR_TOP', 'lidar', list(FAKE_LIDAR), _yaw_quaternion(-90), []))
        for name, modality, translation, rotation, matrix in sensors:
            self.tables['sensor'].append({'token': f'sensor-{name}', 'channel': name, 'modality': modality})
            self.tables['calibrated_sensor'].append(
                {
                    'token': f'calib-{name}',
                    'sensor_token': f'sensor-{name}',
                    'translation': translation,
                    'rotation': rotation,
                    'camera_intrinsic': matrix,
                }
            )

    def _scene(self, index: int, name: str, count: int) -> None:
        tokens = [_token(name, i) for i in range(count)]
        self.tables['log'].append({'token': f'log-{name}', 'logfile': '', 'vehicle': '', 'location': 'x'})
        instance = {'token': f'instance-{name}', 'category_token': 'category-car', 'nbr_annotations': count}
        self.tables['instance'].append(instance)
        self.tables['scene'].append(
            {
                'token': _token(name),
                'name': name,
                'description': '',
                'log_token': f'log-{name}',
                'nbr_samples': count,
                'first_sample_token': tokens[0],
                'last_sample_token': tokens[-1],
            }
        )
        for i, token in enumerate(tokens):
            stamp = (1_600_000_000 + 100 * index) * 1_000_000 + 500_000 * i
            prev, following = (tokens[i - 1] if i else ''), (tokens[i + 1] if i + 1 < count else '')
            sample = {'token': token, 'timestamp': stamp, 'scene_token': _token(name), 'prev': prev, 'next': following}
            self.tables['sample'].append(sample)
            self._key_files(name, token, stamp, i)
            if self.labels:
                path = self.root / 'gts' / name / token / 'labels.npz'
                path.parent.mkdir(parents=True)
                np.savez_compressed(path, **fake_label(i))
        self._link(name)

    def _key_files(self, scene: str, token: str, stamp: int, index: int) -> None:
        rng = np.random.default_rng(index)
        for name, (_, delay) in FAKE_CAMERAS.items():
            path = f'samples/{name}/{scene}__{name}__{index}.jpg'
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(self.root / path), rng.integers(0, 256, (*FAKE_SIZE, 3), np.uint8))
            record = self._record(scene, token, name, stamp + 1000 * delay, path, True)
            if self.segments:
                target = self.root / 'segments' / f'{record["token"]}.png'
                target.parent.mkdir(exist_ok=True)
                cv2.imwrite(str(target), rng.integers(0, 9, FAKE_SIZE).astype(np.uint16))
        self._points(f'samples/LIDAR_TOP/{scene}__LIDAR_TOP__{index}.pcd.bin', rng)
        self._record(scene, token, 'LIDAR_TOP', stamp, f'samples/LIDAR_TOP/{scene}__LIDAR_TOP__{index}.pcd.bin', True)
        self._points(f'sweeps/LIDAR_TOP/{scene}__LIDAR_TOP__{index}.pcd.bin', rng)
        path = f'sweeps/LIDAR_TOP/{scene}__LIDAR_TOP__{index}.pcd.bin'
        self._record(scene, token, 'LIDAR_TOP', stamp + 250_000, path, False)
        if self.version != 'v1.0-test':
            self.tables['sample_annotation'].append(
                {
                    'token': f'annotation-{token}',
                    'sample_token': token,
                    'instance_token': f'instance-{scene}',
                    'attribute_tokens': [],
                    'visibility_token': '',
                    'translation': [50.0, 2.0, 1.0],
                    'size': [2.0, 4.0, 1.5],
                    'rotation': [1.0, 0.0, 0.0, 0.0],
                    'num_lidar_pts': 5,
                    'num_radar_pts': 0,
                    'prev': '',
                    'next': '',
                }
            )

    def _points(self, path: str, rng: np.random.Generator) -> None:
        points = rng.uniform((-20, -20, -1.8, 0, 0), (20, 20, 2, 255, 31), (300, 5)).astype(np.float32)
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        points.tofile(self.root / path)

    def _record(self, scene: str, sample: str, sensor: str, stamp: int, path: str, key: bool) -> dict:
        token = _token(scene, sensor, stamp)
        x = FAKE_SPEED * (stamp / 1e6 % 100)
        self.tables['ego_pose'].append(
            {'token': token, 'timestamp': stamp, 'translation': [x, 0.0, 0.0], 'rotation': [1.0, 0.0, 0.0, 0.0]}
        )
        height, width = FAKE_SIZE if sensor != 'LIDAR_TOP' else (0, 0)
        record = {
            'token': token,
            'sample_token': sample,
            'ego_pose_token': token,
            'calibrated_sensor_token': f'calib-{sensor}',
            'timestamp': stamp,
            'fileformat': path.rsplit('.', 1)[1],
            'is_key_frame': key,
            'height': height,
            'width': width,
            'filename': path,
            'prev': '',
            'next': '',
        }
        self.tables['sample_data'].append(record)
        return record

    def _link(self, scene: str) -> None:
        """Chain the records of each sensor of a scene."""
        for sensor in (*FAKE_CAMERAS, 'LIDAR_TOP'):
            mine = [r for r in self.tables['sample_data'] if f'/{scene}__{sensor}__' in r['filename']]
            mine.sort(key=lambda record: record['timestamp'])
            for before, after in itertools.pairwise(mine):
                before['next'], after['prev'] = after['token'], before['token']


def write_fake_nuscenes(
    root: Path,
    version: str = 'v1.0-minidrive',
    labels: bool = True,
    segments: bool = True,
    scenes: dict[str, int] | None = None,
) -> Path:
    """Write the data set below ``root``, with these keyframes per scene, and return ``root``."""
    return FakeNuScenes(root, version, labels, segments, scenes).write()
