"""Ground truth that is not on disk, computed again from the seed."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from .formats.nuscenes_record import choose_scene
from .presets import VERSION, get_preset
from .sensors.capture import camera_pose, camera_time
from .shapes.raycast import render_depth
from .state import read_config
from .street.ego_car import CAMERAS


def _read_table(path: Path) -> list[dict[str, Any]]:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} is damaged ({error}); run tools/create_minidrive.py --verify') from error


def camera_depth(dataroot: str | Path, sample_token: str, camera: str) -> np.ndarray:
    """True depth of every pixel of one camera of a keyframe.

    Args:
        dataroot (str | Path): Root of a MiniDrive data set.
        sample_token (str): Token of the sample.
        camera (str): Channel, such as ``CAM_FRONT``.

    Returns:
        np.ndarray: (H, W) float32 z-depth in metres, 0 for the sky.

    Raises:
        FileNotFoundError: If the folder holds no MiniDrive data in the format of nuScenes.
        ValueError: If the camera or the sample does not exist, or a file is damaged.
    """
    if camera not in CAMERAS:
        raise ValueError(f'unknown camera {camera!r}; expected one of {CAMERAS}')
    root = Path(dataroot)
    tables = {name: _read_table(root / VERSION / f'{name}.json') for name in ('scene', 'sample')}
    config = read_config(root)
    preset = get_preset(str(config['preset']))
    names = {row['token']: row['name'] for row in tables['scene']}
    rows = [row for row in tables['sample'] if row['token'] == sample_token]
    if not rows:
        raise ValueError(f'sample {sample_token!r} is not in {root / VERSION / "sample.json"}')
    siblings = sorted(r['timestamp'] for r in tables['sample'] if r['scene_token'] == rows[0]['scene_token'])
    index = [preset.scene_name(i) for i in range(preset.num_scenes)].index(names[rows[0]['scene_token']])
    scene, keyframe = choose_scene(preset, int(config['seed']), index), siblings.index(rows[0]['timestamp'])
    world = scene.world_at(camera_time(scene, keyframe, camera))
    pose = camera_pose(scene, keyframe, camera)
    return render_depth(world, pose, scene.rig.cam2img[camera], scene.rig.image_size)[0]
