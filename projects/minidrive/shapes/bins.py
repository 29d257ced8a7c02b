"""Acceleration: which primitives can a ray of an image tile, a sun-shadow cell or a LiDAR sector meet?

All three are the same structure, :class:`Bins`: a grid of cells, each with a list of primitives sorted from near to
far. Bounds come from the corners of every primitive, so a list may hold too many but never too few.
"""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

from typing import NamedTuple

import numpy as np

from .geometry import apply, invert
from .jit import kernel
from .primitives import Prims, corners

TILE = 8
NEAR_PLANE = 0.05
SHADOW_CELL = 0.8
SHADOW_REACH = 110.0
SHADOW_CELLS = int(2 * SHADOW_REACH / SHADOW_CELL)
SECTORS = 360
_EDGES = np.array([(i, j) for i in range(8) for j in range(i + 1, 8) if (i ^ j) in (1, 2, 4)])


class Bins(NamedTuple):
    """Lists of primitives per cell: cell c holds ``items[start[c]:start[c + 1]]``, nearest first."""

    start: np.ndarray  # (columns * rows + 1,) int64
    items: np.ndarray  # int64
    near: np.ndarray  # (N,) lower bound of the distance to each primitive
    columns: int
    rows: int


@kernel
def _fill(rect, order, columns, rows):  # noqa: ANN001, ANN202
    """CSR lists of the cells that rectangles (N, 4) of u0, u1, v0, v1 (inclusive) cover; columns wrap around."""
    start = np.zeros(columns * rows + 1, np.int64)
    for i in order:
        for v in range(rect[i, 2], rect[i, 3] + 1):
            for u in range(rect[i, 0], rect[i, 1] + 1):
                start[v * columns + u % columns + 1] += 1
    for c in range(columns * rows):
        start[c + 1] += start[c]
    items = np.empty(start[-1], np.int64)
    used = start[:-1].copy()
    for i in order:
        for v in range(rect[i, 2], rect[i, 3] + 1):
            for u in range(rect[i, 0], rect[i, 1] + 1):
                cell = v * columns + u % columns
                items[used[cell]] = i
                used[cell] += 1
    return start, items


def _make(rect: np.ndarray, visible: np.ndarray, near: np.ndarray, columns: int, rows: int) -> Bins:
    order = np.argsort(near, kind='stable')
    start, items = _fill(rect, order[visible[order]], columns, rows)
    return Bins(start, items, near, columns, rows)


def camera_bins(prims: Prims, cam2street: np.ndarray, cam2img: np.ndarray, image_size: tuple[int, int]) -> Bins:
    """Tiles of ``TILE`` pixels; ``near`` is z-depth in metres."""
    height, width = image_size
    points = apply(invert(cam2street), corners(prims).reshape(-1, 3)).reshape(-1, 8, 3)
    z = points[..., 2]
    a, b = points[:, _EDGES[:, 0]], points[:, _EDGES[:, 1]]
    crosses = (a[..., 2] < NEAR_PLANE) != (b[..., 2] < NEAR_PLANE)
    share = (NEAR_PLANE - a[..., 2]) / np.where(crosses, b[..., 2] - a[..., 2], 1.0)
    clipped = a + share[..., None] * (b - a)
    clipped[..., 2] = NEAR_PLANE
    points = np.concatenate([points, clipped], axis=1)
    valid = np.concatenate([z >= NEAR_PLANE, crosses], axis=1)
    pixels = points[..., :2] / np.where(valid, points[..., 2], 1.0)[..., None]
    pixels = pixels * [cam2img[0, 0], cam2img[1, 1]] + cam2img[:2, 2]
    low = np.where(valid[..., None], pixels, np.inf).min(axis=1)
    high = np.where(valid[..., None], pixels, -np.inf).max(axis=1)
    visible = valid.any(axis=1) & (high >= -1).all(axis=1) & (low[:, 0] <= width) & (low[:, 1] <= height)
    columns, rows = -(-width // TILE), -(-height // TILE)
    # One pixel of slack: supersampled rays leave the pixel centre by up to half a pixel.
    rect = np.stack([low[:, 0] - 1, high[:, 0] + 1, low[:, 1] - 1, high[:, 1] + 1], axis=1)
    rect = np.where(visible[:, None], rect, 0.0).clip(-1e6, 1e6) // TILE
    rect = rect.astype(np.int64).clip(0, [columns - 1, columns - 1, rows - 1, rows - 1])
    return _make(rect, visible, np.maximum(z.min(axis=1), 0.0), columns, rows)


def shadow_axes(sun: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors that span the plane across the sun's direction (3,)."""
    first = np.cross(sun, [0.0, 0.0, 1.0])
    first /= np.linalg.norm(first)
    return first, np.cross(sun, first)


def shadow_bins(prims: Prims, sun: np.ndarray) -> Bins:
    """Cells of ``SHADOW_CELL`` metres in the plane across the sun; any hit on the way to the sun is a shadow."""
    points = corners(prims)
    u, v = (points @ axis for axis in shadow_axes(sun))
    rect = np.stack([u.min(1), u.max(1), v.min(1), v.max(1)], axis=1)
    visible = (rect[:, 1::2] > -SHADOW_REACH).all(axis=1) & (rect[:, ::2] < SHADOW_REACH).all(axis=1)
    cells = np.floor((rect + SHADOW_REACH) / SHADOW_CELL).astype(np.int64).clip(0, SHADOW_CELLS - 1)
    return _make(cells, visible, np.zeros(len(points)), SHADOW_CELLS, SHADOW_CELLS)


def lidar_bins(prims: Prims, origin: np.ndarray) -> Bins:
    """``SECTORS`` azimuth sectors around ``origin`` (3,) in the street frame; ``near`` is range in metres."""
    points = corners(prims)[..., :2] - origin[:2]
    centre = prims.centre - origin
    radius = np.linalg.norm(points - centre[:, None, :2], axis=2).max(axis=1)
    azimuth = np.arctan2(centre[:, 1], centre[:, 0])
    spread = np.arctan2(points[..., 1], points[..., 0]) - azimuth[:, None]
    spread = (spread + np.pi) % (2 * np.pi) - np.pi
    around = np.linalg.norm(centre[:, :2], axis=1) < radius  # the sensor may be beside or above it
    low = np.where(around, -np.pi, azimuth + spread.min(axis=1))
    high = np.where(around, np.pi - 1e-9, azimuth + spread.max(axis=1))
    per_radian = SECTORS / (2 * np.pi)
    first = np.floor((low + np.pi) * per_radian)
    last = np.minimum(np.floor((high + np.pi) * per_radian), first + SECTORS - 1)
    rect = np.stack([first, last, 0 * first, 0 * first], axis=1).astype(np.int64)
    reach = np.linalg.norm(prims.half * (1.0 + np.maximum(0.0, -prims.taper.min(axis=1)))[:, None], axis=1)
    near = np.maximum(np.linalg.norm(centre, axis=1) - reach, 0.0)
    return _make(rect, np.ones(len(points), bool), near, SECTORS, 1)
