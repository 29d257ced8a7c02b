"""Generates one scene: renders its data into a folder and returns its table records."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from projects.minidrive.presets import VERSION, Preset
from projects.minidrive.sensors.capture import (
    Sweep,
    camera_time,
    points_in_box,
    take_picture,
    take_sweep,
    visible_shares,
)
from projects.minidrive.sensors.develop import develop
from projects.minidrive.sensors.labels import make_label
from projects.minidrive.sensors.segments import find_segments
from projects.minidrive.shapes import ground as gr
from projects.minidrive.shapes.geometry import apply, invert
from projects.minidrive.shapes.raycast import Picture
from projects.minidrive.shapes.taxonomy import LIDARSEG_TO_OCC, visibility_token
from projects.minidrive.street.ego_car import CAMERAS, KEYFRAME_PERIOD, LIDAR, SWEEP_PERIOD
from projects.minidrive.street.scene import GLOBAL_SPAN, Scene, draw_scene, scene_rng
from projects.occ_eval.classes import OCC3D_CLASSES

from .nuscenes_tables import Record, Tokens, link, pose_fields, timestamp
from .writer import write_bytes, write_jpeg, write_npz, write_png

ANNOTATION_RANGE = 60.0
MAP_RESOLUTION, MAP_STEP = 0.1, 4  # the devkit's maps have 0.1 m pixels; the mask is computed on every fourth
_ATTEMPTS, _ENOUGH_POINTS = 12, 8
_STREAM_CHECK, _STREAM_SENSORS = 1 << 16, 1 << 17


def choose_scene(preset: Preset, seed: int, index: int) -> Scene:
    """Draw scenes until one shows every class it is meant to show in its first LiDAR scan; at worst take the best."""
    best, fewest = None, 1 << 30
    for attempt in range(_ATTEMPTS):
        scene = draw_scene(preset, seed, index, attempt)
        sweep = take_sweep(scene, 0.0, scene_rng(seed, index, _STREAM_CHECK))
        near = np.abs(sweep.points[:, :2]).max(axis=1) < 26.0
        seen = np.bincount(LIDARSEG_TO_OCC[sweep.categories[near]], minlength=len(OCC3D_CLASSES))
        missing = sum(seen[OCC3D_CLASSES.index(name)] < _ENOUGH_POINTS for name in scene.wanted)
        if missing < fewest:
            best, fewest = scene, missing
        if missing == 0:
            break
    assert best is not None
    return best


def scan_scene(preset: Preset, seed: int, index: int) -> tuple[Scene, list[Sweep], np.random.Generator]:
    """Draw a scene and take its LiDAR sweeps, those of its files.

    Returns:
        tuple: The scene, all sweeps by time, and the random numbers with which its cameras go on.
    """
    scene, rng = choose_scene(preset, seed, index), scene_rng(seed, index, _STREAM_SENSORS)
    times = [
        round(k * KEYFRAME_PERIOD - j * SWEEP_PERIOD, 6)
        for k in range(scene.num_keyframes)
        for j in range(preset.sweeps, -1, -1)
    ]
    return scene, [take_sweep(scene, time, rng) for time in times], rng


def label_path(scene_name: str, sample_token: str) -> Path:
    """File of a label below the folder of all labels."""
    return Path(scene_name) / sample_token / 'labels.npz'


@dataclass
class _Context:
    """What the steps of recording one scene share."""

    scene: Scene
    preset: Preset
    tokens: Tokens
    root: Path
    rng: np.random.Generator

    @property
    def name(self) -> str:
        return self.preset.scene_name(self.scene.index)

    @property
    def log_name(self) -> str:
        return f'minidrive-{self.scene.index + 1:04d}-2024-01-01-12-{self.scene.index % 60:02d}-00+0000'

    def token(self, *name: object) -> str:
        return self.tokens(self.name, *name)

    def stamp(self, time: float) -> int:
        return timestamp(self.scene.index, time)


def record_scene(preset: Preset, seed: int, index: int, root: Path) -> dict[str, list[Record]]:
    """Generate one scene below ``root`` and return its records by table."""
    scene, sweeps, rng = scan_scene(preset, seed, index)
    ctx = _Context(scene, preset, Tokens(preset.name, seed), root, rng)
    tables: dict[str, list[Record]] = {
        'sample': _samples(ctx),
        'calibrated_sensor': _calibration(ctx),
        'sample_data': [],
        'ego_pose': [],
        'lidarseg': [],
    }
    _record_lidar(ctx, sweeps, tables)
    for camera in CAMERAS:
        _record_camera(ctx, camera, tables)
    for keyframe in range(scene.num_keyframes):
        path = label_path(ctx.name, ctx.token('sample', keyframe))
        write_npz(root / 'gts' / path, make_label(scene, keyframe, sweeps))
    tables.update(_annotations(ctx, sweeps))
    tables.update(_scene_tables(ctx))
    return tables


def _keyframe_of(time: float) -> int:
    return int(np.ceil(round(time / KEYFRAME_PERIOD, 6)))


def _samples(ctx: _Context) -> list[Record]:
    return link(
        [
            {
                'token': ctx.token('sample', k),
                'timestamp': ctx.stamp(k * KEYFRAME_PERIOD),
                'prev': '',
                'next': '',
                'scene_token': ctx.token('scene'),
            }
            for k in range(ctx.scene.num_keyframes)
        ]
    )


def _calibration(ctx: _Context) -> list[Record]:
    rig = ctx.scene.rig
    records = [
        {
            'token': ctx.token('calibrated_sensor', LIDAR),
            'sensor_token': ctx.tokens('sensor', LIDAR),
            **pose_fields(rig.lidar2ego),
            'camera_intrinsic': [],
        }
    ]
    for camera in CAMERAS:
        records.append(
            {
                'token': ctx.token('calibrated_sensor', camera),
                'sensor_token': ctx.tokens('sensor', camera),
                **pose_fields(rig.cam2ego[camera]),
                'camera_intrinsic': rig.cam2img[camera].tolist(),
            }
        )
    return records


def _sample_data(
    ctx: _Context, channel: str, time: float, keyframe: int, is_key: bool, extension: str, size: tuple[int, int] | None
) -> tuple[Record, Record]:
    """Record of one file, and of its ego pose, which has the same token (as in nuScenes)."""
    stamp = ctx.stamp(time)
    token = ctx.token('sample_data', channel, stamp)
    folder = 'samples' if is_key else 'sweeps'
    data: Record = {
        'token': token,
        'sample_token': ctx.token('sample', keyframe),
        'ego_pose_token': token,
        'calibrated_sensor_token': ctx.token('calibrated_sensor', channel),
        'timestamp': stamp,
        'fileformat': extension.rsplit('.', 1)[-1] if size else 'pcd',
        'is_key_frame': is_key,
        'height': size[0] if size else 0,
        'width': size[1] if size else 0,
        'filename': f'{folder}/{channel}/{ctx.log_name}__{channel}__{stamp}.{extension}',
        'prev': '',
        'next': '',
    }
    pose = ctx.scene.street2global @ ctx.scene.path.pose(time)
    return data, {'token': token, 'timestamp': stamp, **pose_fields(pose)}


def _record_lidar(ctx: _Context, sweeps: list[Sweep], tables: dict[str, list[Record]]) -> None:
    chain = []
    for sweep in sweeps:
        keyframe = _keyframe_of(sweep.time)
        is_key = sweep.time == keyframe * KEYFRAME_PERIOD
        data, pose = _sample_data(ctx, LIDAR, sweep.time, keyframe, is_key, 'pcd.bin', None)
        write_bytes(ctx.root / str(data['filename']), sweep.points.tobytes())
        if is_key:
            filename = f'lidarseg/{VERSION}/{data["token"]}_lidarseg.bin'
            write_bytes(ctx.root / filename, sweep.categories.tobytes())
            tables['lidarseg'].append(
                {'token': data['token'], 'sample_data_token': data['token'], 'filename': filename}
            )
        chain.append(data)
        tables['ego_pose'].append(pose)
    tables['sample_data'] += link(chain)


def _record_camera(ctx: _Context, camera: str, tables: dict[str, list[Record]]) -> None:
    chain, size = [], ctx.preset.image_size
    picture = Picture.blank(size)
    for keyframe in range(ctx.scene.num_keyframes):
        time = camera_time(ctx.scene, keyframe, camera)
        take_picture(ctx.scene, keyframe, camera, picture)
        data, pose = _sample_data(ctx, camera, time, keyframe, True, 'jpg', size)
        write_jpeg(ctx.root / str(data['filename']), develop(picture.colour, ctx.rng, 0.45 * size[1] / 800))
        write_png(ctx.root / 'segments' / f'{data["token"]}.png', find_segments(picture.ident))
        chain.append(data)
        tables['ego_pose'].append(pose)
    tables['sample_data'] += link(chain)


def _annotations(ctx: _Context, sweeps: list[Sweep]) -> dict[str, list[Record]]:
    scene, instances, annotations = ctx.scene, [], []
    keys = {s.time: s for s in sweeps if s.time == _keyframe_of(s.time) * KEYFRAME_PERIOD}
    points = {t: apply(s.lidar2street, s.points[:, :3].astype(np.float64)) for t, s in keys.items()}
    visible = [visible_shares(scene, time) for time in sorted(keys)]
    middle = scene.path.pose(scene.duration / 2)[:2, 3]
    for index, agent in enumerate(scene.agents):
        if np.linalg.norm(scene.agent_pose(agent, scene.duration / 2)[:2, 3] - middle) > ANNOTATION_RANGE:
            continue
        chain = []
        for k, time in enumerate(sorted(keys)):
            box, (length, width, height) = scene.agent_box(agent, time)
            count = int(points_in_box(points[time], box, (length, width, height)).sum())
            chain.append(
                {
                    'token': ctx.token('annotation', index, k),
                    'sample_token': ctx.token('sample', k),
                    'instance_token': ctx.token('instance', index),
                    'visibility_token': visibility_token(visible[k][index]),
                    'attribute_tokens': [ctx.tokens('attribute', agent.attribute)] if agent.attribute else [],
                    **pose_fields(scene.street2global @ box),
                    'size': [width, length, height],
                    'prev': '',
                    'next': '',
                    'num_lidar_pts': count,
                    'num_radar_pts': 0,
                }
            )
        annotations += link(chain)
        instances.append(
            {
                'token': ctx.token('instance', index),
                'category_token': ctx.tokens('category', agent.category),
                'nbr_annotations': len(chain),
                'first_annotation_token': chain[0]['token'],
                'last_annotation_token': chain[-1]['token'],
            }
        )
    return {'instance': instances, 'sample_annotation': annotations}


def _scene_tables(ctx: _Context) -> dict[str, list[Record]]:
    scene, last = ctx.scene, ctx.scene.num_keyframes - 1
    filename = f'maps/{ctx.token("map")}.png'
    write_png(ctx.root / filename, _map_mask(scene))
    return {
        'scene': [
            {
                'token': ctx.token('scene'),
                'log_token': ctx.token('log'),
                'nbr_samples': scene.num_keyframes,
                'first_sample_token': ctx.token('sample', 0),
                'last_sample_token': ctx.token('sample', last),
                'name': ctx.name,
                'description': f'Procedural street with {len(scene.agents)} objects.',
            }
        ],
        'log': [
            {
                'token': ctx.token('log'),
                'logfile': ctx.log_name,
                'vehicle': f'minidrive-{scene.index + 1:04d}',
                'date_captured': '2024-01-01',
                'location': f'minidrive-{ctx.name}',
            }
        ],
        'map': [
            {
                'token': ctx.token('map'),
                'log_tokens': [ctx.token('log')],
                'category': 'semantic_prior',
                'filename': filename,
            }
        ],
    }


def _map_mask(scene: Scene) -> np.ndarray:
    """Driveable surface and sidewalks of the scene's map: uint8, 255 inside, row 0 at the top (largest y)."""
    step = MAP_RESOLUTION * MAP_STEP
    axis = (np.arange(int(GLOBAL_SPAN / step)) + 0.5) * step
    x, y = np.meshgrid(axis, axis[::-1])
    local = apply(invert(scene.street2global), np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1))
    mask = gr.on_street(local, scene.street.ground, scene.street.parcels).reshape(x.shape)
    return np.repeat(np.repeat(mask, MAP_STEP, axis=0), MAP_STEP, axis=1)
