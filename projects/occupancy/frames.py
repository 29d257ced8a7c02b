"""Frames of your own: images and calibration of the cameras of a rig, as files or as values. N cameras."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from projects.fileio import read_json
from projects.geometry import as_intrinsics, as_pose

_SUFFIXES = ('.jpg', '.jpeg', '.png')
_FORM = 'it must be {camera: {"intrinsic": 3x3, "sensor2ego": 4x4}}, see docs/inference.md'


def check_cameras(names: Sequence[str], cameras: Sequence[str], where: str) -> None:
    """Refuse cameras that the rig does not have.

    Args:
        names (Sequence[str]): Cameras that are given.
        cameras (Sequence[str]): Cameras of the rig.
        where (str): What gives them, for the message.

    Raises:
        ValueError: If one is unknown; lists those of the rig.
    """
    unknown = [name for name in names if name not in cameras]
    if unknown:
        raise ValueError(f'{where} has the cameras {unknown}, which the model does not know; it has {list(cameras)}')


def checked_calibration(
    given: str | os.PathLike | Mapping[str, Any], cameras: Sequence[str]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Intrinsics and pose of cameras, from a JSON file or a dict of its form.

    Args:
        given (str | PathLike | Mapping): ``{camera: {'intrinsic': (3, 3), 'sensor2ego': (4, 4)}}``. The intrinsics are
            those of the images as they are given; the pose leads from the camera (x right, y down, z forward) to the
            ego frame (x forward, y left, z up), in metres.
        cameras (Sequence[str]): Cameras of the rig.

    Returns:
        dict[str, tuple[np.ndarray, np.ndarray]]: ``cam2img`` (3, 3) and ``cam2ego`` (4, 4) float64 by camera.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has another form, an unknown camera, or a matrix that is none of its kind.
    """
    name = 'the calibration' if isinstance(given, Mapping) else os.fspath(given)
    content = given if isinstance(given, Mapping) else read_json(given)
    if not isinstance(content, Mapping):
        raise ValueError(f'{name} is no calibration: {_FORM}')
    check_cameras(list(content), cameras, name)
    found = {}
    for camera, values in content.items():
        if not isinstance(values, Mapping) or set(values) != {'intrinsic', 'sensor2ego'}:
            keys = sorted(values) if isinstance(values, Mapping) else type(values).__name__
            raise ValueError(f'{camera} of {name} has {keys}; {_FORM}')
        intrinsic = as_intrinsics(values['intrinsic'], f'intrinsic of {camera} of {name}')
        found[camera] = (intrinsic, as_pose(values['sensor2ego'], f'sensor2ego of {camera} of {name}'))
    return found


def find_frames(folder: str | os.PathLike) -> dict[str, dict[str, str]]:
    """Images of a folder: ``<camera>.jpg`` (or png), or a subfolder of these for each frame.

    Returns:
        dict[str, dict[str, str]]: Name of the frame (of its folder) -> camera -> file.

    Raises:
        FileNotFoundError: If there is no folder or no image.
        ValueError: If a camera has two files.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f'folder not found: {root}')
    own = _images(root)
    frames = {root.resolve().name: own} if own else {path.name: _images(path) for path in sorted(root.iterdir())}
    frames = {name: images for name, images in frames.items() if images}
    if not frames:
        raise FileNotFoundError(
            f'no images in {root}: it must hold <camera>.jpg or .png, or a folder of these for each frame'
        )
    return frames


def _images(folder: Path) -> dict[str, str]:
    images: dict[str, str] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in _SUFFIXES:
            if path.stem in images:
                raise ValueError(f'{images[path.stem]} and {path} are images of one camera; remove one of them')
            images[path.stem] = str(path)
    return images
