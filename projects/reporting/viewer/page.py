"""Frames of volumes -> one HTML file with its own program and data, which asks no server for anything."""

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, select_autoescape

from projects.fileio import atomic_write
from projects.reporting.charts import image_to_data_uri

from .scene import ViewerCamera, ViewerFrame, VoxelSpec
from .voxels import UNLABELLED, pack_voxels

_HERE = Path(__file__).parent
_SCRIPTS = ('geometry.js', 'voxels.js', 'scene.js', 'panels.js', 'page.js')
"""Parts of the program of the page, in the order of their use."""


def _checked(volume: np.ndarray, name: str, spec: VoxelSpec) -> np.ndarray:
    """A volume as uint8 of the grid.

    Raises:
        ValueError: If it has another shape, holds no integers, or an id that is no class.
    """
    if volume.shape != tuple(spec.grid_size) or not np.issubdtype(volume.dtype, np.integer):
        raise ValueError(f'{name} must be integers of shape {tuple(spec.grid_size)}, got {volume.dtype} {volume.shape}')
    wrong = np.setdiff1d(volume, [*range(len(spec.classes)), UNLABELLED])
    if len(wrong):
        raise ValueError(f'{name} holds the id {wrong[0]}, which is none of the {len(spec.classes)} classes')
    return volume.astype(np.uint8)


def _camera(name: str, camera: ViewerCamera) -> dict[str, Any]:
    """A camera as plain data."""
    return {
        'name': name,
        'height': camera.size[0],
        'width': camera.size[1],
        'cam2img': np.asarray(camera.cam2img, float).round(6).tolist(),
        'cam2ego': np.asarray(camera.cam2ego, float).round(6).tolist(),
        'image': None if camera.image is None else image_to_data_uri(camera.image, quality=80),
    }


def _content(frames: Sequence[ViewerFrame], spec: VoxelSpec) -> dict[str, Any]:
    """What the program of the page reads."""
    free = len(spec.classes) - 1
    return {
        'classes': list(spec.classes[:free]),
        'palette': [list(map(int, colour)) for colour in spec.palette[:free]],
        'range': list(map(float, spec.point_cloud_range)),
        'grid': list(map(int, spec.grid_size)),
        'names': list(dict.fromkeys(name for frame in frames for name in frame.volumes)),
        'frames': [
            {
                'name': frame.name,
                'volumes': {
                    name: pack_voxels(_checked(volume, f'{name} of frame {frame.name}', spec), free)
                    for name, volume in frame.volumes.items()
                },
                'cameras': [_camera(name, camera) for name, camera in frame.cameras.items()],
            }
            for frame in frames
        ],
    }


def viewer_page(frames: Sequence[ViewerFrame], spec: VoxelSpec, title: str) -> str:
    """Make the page.

    Args:
        frames (Sequence[ViewerFrame]): At least one; several get a bar to scrub through them.
        spec (VoxelSpec): Classes, colours and grid of all volumes.
        title (str): Title of the page.

    Returns:
        str: HTML with everything inside. Its content policy forbids every request to a server.

    Raises:
        ValueError: If there is nothing to show, or a volume does not fit the spec.
    """
    if not any(frame.volumes for frame in frames):
        raise ValueError('a viewer needs at least one frame with a volume')
    environment = Environment(loader=FileSystemLoader(_HERE), autoescape=select_autoescape(default=True))
    return environment.get_template('viewer.html.j2').render(
        title=title,
        style=(_HERE / 'viewer.css').read_text(encoding='utf-8'),
        script='\n'.join((_HERE / name).read_text(encoding='utf-8') for name in _SCRIPTS),
        library=base64.b64encode((_HERE / 'three/three.min.js.gz').read_bytes()).decode(),
        # A name with "</script>" in it must not end the element.
        content=json.dumps(_content(frames, spec)).replace('<', '\\u003c'),
    )


def write_viewer(path: str | os.PathLike, frames: Sequence[ViewerFrame], spec: VoxelSpec, title: str) -> None:
    """Write the page of :func:`viewer_page`; it is whole or absent.

    Raises:
        ValueError: If there is nothing to show, or a volume does not fit the spec.
    """
    page = viewer_page(frames, spec, title)
    with atomic_write(path, 'w') as file:
        file.write(page)
