"""What cameras see of occupancy: volumes rendered through whole images, and their pictures.

N cameras, H x W rendered pixels, X/Y/Z voxels, K classes of which the last one is free.
"""

from collections.abc import Mapping

import cv2
import matplotlib
import numpy as np
from torch import Tensor

from projects.engine import add_title
from projects.rendering import (
    RenderedRays,
    RenderedView,
    VoxelGrid,
    image_pixels,
    pixels_to_rays,
    render_occupancy_rays,
    scale_intrinsics,
    view_of,
)

from .classes import OccSpec

MAX_DEPTH = 45.0
_CHUNK = 1 << 16


def render_cameras(
    logits: Tensor, cam2img: Tensor, cam2grid: Tensor, ori_shape: tuple[int, int], height: int, grid: VoxelGrid
) -> list[RenderedView]:
    """Render a volume through the whole images of some cameras, without weights.

    Voxels have constant density, read off the log-odds of free space.

    Args:
        logits (Tensor): Logits whose softmax is a probability. Shape (X, Y, Z, K).
        cam2img (Tensor): Intrinsics of the images as they were taken. Shape (N, 3, 3).
        cam2grid (Tensor): Poses of the cameras in the frame of the volume. Shape (N, 4, 4).
        ori_shape (tuple[int, int]): Height and width of the images.
        height (int): H; W follows from the shape of the images.
        grid (VoxelGrid): Where the volume is.
    """
    size = (height, max(round(ori_shape[1] * height / ori_shape[0]), 1))
    pixels = image_pixels(size, logits.device)
    views = []
    for intrinsics, pose in zip(cam2img, cam2grid):
        own = scale_intrinsics(intrinsics, size[1] / ori_shape[1], size[0] / ori_shape[0])
        rays_o, rays_d = pixels_to_rays(pixels, own, pose)
        rendered = render_occupancy_rays(
            logits[None],
            rays_o[None],
            rays_d[None],
            grid,
            density='log_odds',
            field='voxel',
            chunk=_CHUNK,
            with_weights=False,
        )
        alone = RenderedRays(**{name: value[0] for name, value in rendered.as_dict().items()})
        views.append(view_of(alone, size))
    return views


def _colour_depth(depths: np.ndarray) -> np.ndarray:
    colours = matplotlib.colormaps['turbo_r'](np.nan_to_num(depths) / MAX_DEPTH)[..., :3]
    colours[~np.isfinite(depths)] = 1.0
    return (255 * colours).astype(np.uint8)


def draw_views(views: Mapping[str, RenderedView], spec: OccSpec, width: int = 1260) -> np.ndarray:
    """Rendered depth (upper row) and rendered semantics (lower row) of several volumes along the same rays."""
    column = width // len(views)
    table = np.asarray(spec.palette, np.uint8)

    def cell(picture: np.ndarray, title: str) -> np.ndarray:
        size = (column, round(column * picture.shape[0] / picture.shape[1]))
        return add_title(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), title)

    depths = [cell(_colour_depth(view.depths), f'{name}: depth') for name, view in views.items()]
    classes = [cell(table[view.semantics], f'{name}: semantics') for name, view in views.items()]
    return np.vstack([np.hstack(depths), np.hstack(classes)])
