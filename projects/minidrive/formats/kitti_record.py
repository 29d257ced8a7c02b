"""Generates one drive of the KITTI format: renders its pairs into a folder and returns its lines of the lists."""

from pathlib import Path

from projects.minidrive.presets import TRAIN_SPLIT, Preset
from projects.minidrive.sensors.kitti_capture import take_frame
from projects.minidrive.sensors.kitti_rig import draw_stereo_rig
from projects.minidrive.street.ego_car import KEYFRAME_PERIOD
from projects.minidrive.street.scene import draw_scene, scene_rng

from .kitti_files import (
    depth_path,
    drive_date,
    frame_number,
    image_path,
    list_line,
    write_calibration,
    write_depth,
)
from .writer import write_png

_STREAM_RIG, _STREAM_SENSORS = 1 << 18, 1 << 19


def record_drive(preset: Preset, seed: int, index: int, root: Path) -> dict[str, list[str]]:
    """Generate one drive below ``root`` and return the lines of its split list, by split."""
    scene = draw_scene(preset, seed, index)
    rig = draw_stereo_rig(scene_rng(seed, index, _STREAM_RIG), preset.image_size)
    rng = scene_rng(seed, index, _STREAM_SENSORS)
    split = preset.split_of(index)
    depth_root = root / 'depth' / ('train' if split == TRAIN_SPLIT else 'val')
    write_calibration(root / 'raw' / drive_date(index) / 'calib_cam_to_cam.txt', rig, drive_date(index))
    lines = []
    for keyframe in range(scene.num_keyframes):
        now = keyframe * KEYFRAME_PERIOD
        number = frame_number(now)
        frame = take_frame(scene.world_at(now), scene.path.pose(now), rig, rng)
        for camera in (2, 3):
            write_png(root / 'raw' / image_path(index, camera, number), frame.images[camera])
            write_depth(depth_root / depth_path(index, camera, number), frame.sparse[camera])
            write_depth(depth_root / depth_path(index, camera, number, 'dense'), frame.dense[camera])
        lines.append(list_line(index, number, rig.cam2img[0, 0]))
    return {split: lines}
