"""What the stereo car records at one instant: two pictures, their true depth, and sparse LiDAR depth."""

from dataclasses import dataclass, replace

import numpy as np

from projects.minidrive.shapes.geometry import apply, invert
from projects.minidrive.shapes.raycast import Picture, World, render, render_depth, scan

from .capture import drop_rays
from .develop import develop_shot, draw_shot
from .kitti_rig import StereoRig

MAX_LIDAR_RANGE = 80.0
MAX_DEPTH = 65535 / 256  # largest depth that a 16-bit PNG holds, in metres
_OCCLUDED = 1.05  # a point that lies 5 % behind the visible surface was seen past it


@dataclass
class Frame:
    """One frame of a drive, by camera number (2 left, 3 right).

    Args:
        images (dict[int, np.ndarray]): (H, W, 3) uint8 BGR.
        dense (dict[int, np.ndarray]): True z-depth in metres, 0 = sky or out of range. (H, W) float32.
        sparse (dict[int, np.ndarray]): LiDAR z-depth in metres, 0 = none. (H, W) float32.
    """

    images: dict[int, np.ndarray]
    dense: dict[int, np.ndarray]
    sparse: dict[int, np.ndarray]


def lidar_points(world: World, velo2street: np.ndarray, rays: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Points (P, 3) in the street frame of one scan, with the noise and the lost rays of the other LiDAR."""
    directions = rays @ velo2street[:3, :3].T
    ranges, hits, categories, reflect = scan(world, velo2street[:3, 3].copy(), directions)
    keep = drop_rays(ranges, hits, categories, reflect, MAX_LIDAR_RANGE, rng)
    noisy = ranges[keep] + 0.02 * np.clip(rng.standard_normal(int(keep.sum())), -3, 3)
    return velo2street[:3, 3] + directions[keep] * noisy[:, None]


def sparse_depth(points: np.ndarray, cam2street: np.ndarray, cam2img: np.ndarray, dense: np.ndarray) -> np.ndarray:
    """Project points (P, 3) of the street frame; the nearest wins, and points past the visible surface are dropped.

    KITTI's annotated maps are cleaned in the same way, by a comparison with stereo matching.

    Returns:
        np.ndarray: z-depth in metres, 0 = none. Shape (H, W), float32.
    """
    height, width = dense.shape
    local = apply(invert(cam2street), points)
    local = local[local[:, 2] > 1.0]
    pixels = np.rint(local @ cam2img.T / local[:, 2:])[:, :2].astype(np.int64)
    inside = ((pixels >= 0) & (pixels < (width, height))).all(axis=1)
    (columns, rows), depth = pixels[inside].T, local[inside, 2].astype(np.float32)
    nearest = np.full(dense.shape, np.inf, np.float32)
    np.minimum.at(nearest, (rows, columns), depth)
    true = np.where(dense > 0, dense, np.inf)
    return np.where((nearest < _OCCLUDED * true) & np.isfinite(nearest), nearest, np.float32(0))


def take_frame(world: World, ego2street: np.ndarray, rig: StereoRig, rng: np.random.Generator) -> Frame:
    """Record both cameras and the LiDAR at one instant.

    The cameras share exposure and white balance, as a synchronised pair does; their noise differs.
    """
    frame, shot = Frame({}, {}, {}), None
    points = lidar_points(world, ego2street @ rig.velo2ego, rig.lidar_rays(), rng)
    for camera in (2, 3):
        cam2street = ego2street @ rig.cam2ego(camera)
        picture = Picture.blank(rig.image_size)
        render(world, cam2street, rig.cam2img, picture)
        if shot is None:
            shot = draw_shot(picture.colour, rng)
        else:
            shot = replace(shot, gain=shot.gain * rng.normal(1.0, 0.01), noise_seed=int(rng.integers(1 << 31)))
        frame.images[camera] = develop_shot(picture.colour, shot, 0.4)
        depth = render_depth(world, cam2street, rig.cam2img, rig.image_size)[0]
        frame.dense[camera] = np.where(depth < MAX_DEPTH, depth, np.float32(0))
        frame.sparse[camera] = sparse_depth(points, cam2street, rig.cam2img, frame.dense[camera])
    return frame
