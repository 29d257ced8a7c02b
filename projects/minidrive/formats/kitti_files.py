"""File names and calibration files of the KITTI raw and annotated-depth layouts."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np

from projects.minidrive.sensors.kitti_rig import StereoRig

from .writer import write_bytes, write_png

FRAME_RATE = 10.0
FIRST_FRAME = 5  # KITTI's annotated maps start here: they join the scans of five frames before and after
_FIRST_DATE = date(2024, 1, 1)


def drive_date(index: int) -> str:
    """Date folder of a scene, one per car, since KITTI calibrates by date: ``2024_01_01`` for index 0."""
    return (_FIRST_DATE + timedelta(days=index)).strftime('%Y_%m_%d')


def drive_name(index: int) -> str:
    """Drive of a scene: ``2024_01_01_drive_0001_sync`` for index 0."""
    return f'{drive_date(index)}_drive_{index + 1:04d}_sync'


def frame_number(time: float) -> int:
    """Number of the frame at a time in seconds."""
    return FIRST_FRAME + round(time * FRAME_RATE)


def image_path(index: int, camera: int, frame: int) -> str:
    """Path of an image below the raw root."""
    return f'{drive_date(index)}/{drive_name(index)}/image_0{camera}/data/{frame:010d}.png'


def depth_path(index: int, camera: int, frame: int, kind: str = 'groundtruth') -> str:
    """Path of a depth map below the depth root; ``kind`` is ``groundtruth`` (LiDAR) or ``dense`` (truth)."""
    return f'{drive_name(index)}/proj_depth/{kind}/image_0{camera}/{frame:010d}.png'


def list_line(index: int, frame: int, focal: float) -> str:
    """A line of a split list in the form of the Eigen lists: left image, its depth map, focal length in pixels."""
    return f'{image_path(index, 2, frame)} {depth_path(index, 2, frame)} {focal:.4f}'


def write_depth(path: Path, depth: np.ndarray) -> None:
    """Write metres (H, W) as a 16-bit PNG of 1/256 m; 0 stays 0, and a measured depth never becomes 0."""
    values = np.clip(np.rint(depth * 256.0), np.where(depth > 0, 1, 0), 65535)
    write_png(path, values.astype(np.uint16))


def write_calibration(path: Path, rig: StereoRig, day: str) -> None:
    """Write ``calib_cam_to_cam.txt``; the cameras are rectified already, so raw and rectified values are equal."""
    height, width = rig.image_size
    lines = [f'calib_time: {day.replace("_", "-")} 12:00:00', 'corner_dist: 9.950000e-02']
    for camera in range(4):
        projection = rig.projection(camera)
        offset = np.linalg.solve(rig.cam2img, projection[:, 3])
        values: dict[str, np.ndarray | tuple[int, int]] = {
            'S': (width, height),
            'K': rig.cam2img,
            'D': np.zeros(5),
            'R': np.eye(3),
            'T': offset,
            'S_rect': (width, height),
            'R_rect': np.eye(3),
            'P_rect': projection,
        }
        lines += [f'{key}_0{camera}: ' + ' '.join(f'{v:.6e}' for v in np.ravel(val)) for key, val in values.items()]
    write_bytes(path, ('\n'.join(lines) + '\n').encode())
