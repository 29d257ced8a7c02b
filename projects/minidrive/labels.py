"""Occ3D labels: semantics of 200 x 200 x 16 voxels in the key ego frame, and what LiDAR and cameras observe of them.

As in Occ3D, ``mask_lidar`` holds the voxels that the LiDAR rays of the whole scene cross or hit, ``mask_camera`` those
that camera rays reach up to and including the first occupied voxel, within ``mask_lidar``. Surfaces that no LiDAR ray
came near stay free, as they do in labels that were aggregated from scans.
"""

import cv2
import numpy as np
from scipy.ndimage import binary_dilation

from . import ground as gr
from . import materials as m
from .capture import Sweep, camera_pose
from .geometry import apply, invert
from .jit import kernel
from .primitives import BOX, CYLINDER, WEDGE
from .raycast import World
from .scene import Scene
from .sensors import CAMERAS, KEYFRAME_PERIOD
from .taxonomy import LIDARSEG_TO_OCC, OCC_FREE

GRID_SHAPE = (200, 200, 16)
GRID_MIN = np.array([-40.0, -40.0, -1.0])
VOXEL_SIZE = 0.4
SAMPLE_STEP = 0.13  # finer than a third of a voxel, so that nothing slips between two samples
_GROUND_SAMPLES = 3
_RAY_COLUMNS = 270  # camera rays per image row for the mask; 0.4 m at 40 m is 1/170 of the field of view
_PRIORITY = np.array([3, 3, 3, 3, 3, 3, 3, 4, 4, 3, 3, 0, 0, 0, 0, 2, 1, 0], dtype=np.int64)


@kernel
def _fill_ground(ego2street, g, parcels, classes, out):  # noqa: ANN001, ANN202
    nx, ny, nz = out.shape
    r, t = ego2street[:3, :3], ego2street[:3, 3]
    votes = np.zeros((nz, 18), np.int64)
    for i in range(nx):
        for j in range(ny):
            votes[:] = 0
            for k in range(_GROUND_SAMPLES * _GROUND_SAMPLES):
                x = (i + (k % _GROUND_SAMPLES + 0.5) / _GROUND_SAMPLES) * VOXEL_SIZE + GRID_MIN[0]
                y = (j + (k // _GROUND_SAMPLES + 0.5) / _GROUND_SAMPLES) * VOXEL_SIZE + GRID_MIN[1]
                z, kind = 0.0, 0
                for _ in range(3):
                    wx = r[0, 0] * x + r[0, 1] * y + r[0, 2] * z + t[0]
                    wy = r[1, 0] * x + r[1, 1] * y + r[1, 2] * z + t[1]
                    wz = r[2, 0] * x + r[2, 1] * y + r[2, 2] * z + t[2]
                    place = gr.region(wx, wy, g, parcels)
                    kind = place[0]
                    z += (gr.height(wx, wy, g) + place[1] - wz) / r[2, 2]
                level = int(np.floor((z - GRID_MIN[2]) / VOXEL_SIZE))
                if 0 <= level < nz:
                    votes[level, classes[kind]] += 1
            for level in range(nz):
                best = votes[level].argmax()
                if votes[level, best] > 0:
                    out[i, j, level] = best


@kernel
def _fill_prim(kind, rot, centre, half, taper, hollow, occ, rank, ego2street, priority, out):  # noqa: ANN001, ANN202
    """Mark the voxels of one solid by sampling it densely, its boundary included."""
    nx, ny, nz = out.shape
    counts = np.ceil(2.0 * half / SAMPLE_STEP).astype(np.int64) + 1
    a = np.empty(3)
    p = np.empty(3)
    for i in range(counts[0]):
        for j in range(counts[1]):
            for k in range(counts[2]):
                if hollow and 0 < i < counts[0] - 1 and 0 < j < counts[1] - 1 and 0 < k < counts[2] - 1:
                    continue
                a[0] = 2.0 * i / (counts[0] - 1) - 1.0
                a[1] = 2.0 * j / (counts[1] - 1) - 1.0
                a[2] = 2.0 * k / (counts[2] - 1) - 1.0
                if kind == WEDGE:
                    high = 0.5 * (a[2] + 1.0)
                    front, rear = 1.0 - taper[0] * high, 1.0 - taper[1] * high
                    a[0] = 0.5 * (front - rear) + 0.5 * a[0] * (front + rear)
                    a[1] *= 1.0 - taper[2] * high
                elif kind == CYLINDER:
                    a[:2] *= _round(a[0], a[1], 0.0, counts)
                    a[:2] *= 1.0 - 0.5 * taper[0] * (a[2] + 1.0)
                elif kind != BOX:
                    a *= _round(a[0], a[1], a[2], counts)
                for c in range(3):
                    p[c] = centre[c] + 0.9999 * (
                        rot[0, c] * a[0] * half[0] + rot[1, c] * a[1] * half[1] + rot[2, c] * a[2] * half[2]
                    )
                p -= ego2street[:3, 3]
                x = int(np.floor((_dot(ego2street, 0, p) - GRID_MIN[0]) / VOXEL_SIZE))
                y = int(np.floor((_dot(ego2street, 1, p) - GRID_MIN[1]) / VOXEL_SIZE))
                z = int(np.floor((_dot(ego2street, 2, p) - GRID_MIN[2]) / VOXEL_SIZE))
                if 0 <= x < nx and 0 <= y < ny and 0 <= z < nz and rank >= priority[out[x, y, z]]:
                    out[x, y, z] = occ


@kernel
def _round(x, y, z, counts):  # noqa: ANN001, ANN202
    """Factor that maps a point of the unit cube into the unit ball, cube shell by cube shell."""
    norm = np.sqrt(x * x + y * y + z * z)
    return max(abs(x), abs(y), abs(z)) / norm if norm > 0.0 else 1.0


@kernel
def _dot(matrix, column, p):  # noqa: ANN001, ANN202
    return matrix[0, column] * p[0] + matrix[1, column] * p[1] + matrix[2, column] * p[2]


def voxelize(world: World, ego2street: np.ndarray) -> np.ndarray:
    """Semantics (200, 200, 16) uint8 of everything in the world, seen or not, in an ego frame."""
    out = np.full(GRID_SHAPE, OCC_FREE, np.uint8)
    _fill_ground(ego2street, world.ground, world.parcels, LIDARSEG_TO_OCC[gr.KIND_CATEGORY], out)
    prims = world.prims
    local = apply(invert(ego2street), prims.centre)
    reach = np.linalg.norm(prims.half, axis=1) * 1.3
    top = GRID_MIN + np.array(GRID_SHAPE) * VOXEL_SIZE
    inside = (local + reach[:, None] > GRID_MIN).all(axis=1) & (local - reach[:, None] < top).all(axis=1)
    for i in np.flatnonzero(inside):
        occ = LIDARSEG_TO_OCC[prims.category[i]]
        hollow = prims.material[i] == m.FACADE
        _fill_prim(
            prims.kind[i], prims.rot[i], prims.centre[i], prims.half[i], prims.taper[i], hollow, occ,
            _PRIORITY[occ] if occ != 0 or prims.agent[i] < 0 else 4, ego2street, _PRIORITY, out,
        )  # fmt: skip
    return out


@kernel
def _walk(origin, direction, length, stop, mark):  # noqa: ANN001, ANN202
    """Mark the voxels that a ray crosses, up to ``length`` and the first voxel where ``stop`` is set (inclusive).

    Amanatides and Woo's traversal; ``origin`` and ``direction`` are in voxel units.
    """
    enter, leave = 0.0, length
    for c in range(3):
        if abs(direction[c]) < 1e-12:
            if not 0.0 <= origin[c] < mark.shape[c]:
                return
        else:
            a, b = -origin[c] / direction[c], (mark.shape[c] - origin[c]) / direction[c]
            enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
    if enter > leave:
        return
    cell = np.empty(3, np.int64)
    step = np.empty(3, np.int64)
    until = np.empty(3)
    delta = np.empty(3)
    for c in range(3):
        cell[c] = min(max(int(np.floor(origin[c] + enter * direction[c])), 0), mark.shape[c] - 1)
        if direction[c] > 1e-12:
            step[c], delta[c] = 1, 1.0 / direction[c]
            until[c] = (cell[c] + 1 - origin[c]) / direction[c]
        elif direction[c] < -1e-12:
            step[c], delta[c] = -1, -1.0 / direction[c]
            until[c] = (cell[c] - origin[c]) / direction[c]
        else:
            step[c], delta[c], until[c] = 0, np.inf, np.inf
    while True:
        mark[cell[0], cell[1], cell[2]] = 1
        if stop[cell[0], cell[1], cell[2]]:
            return
        c = 0 if until[0] < until[1] else 1
        c = c if until[c] < until[2] else 2
        if until[c] > leave:
            return
        cell[c] += step[c]
        if not 0 <= cell[c] < mark.shape[c]:
            return
        until[c] += delta[c]


@kernel
def _walk_to(origin, ends, stop, mark):  # noqa: ANN001, ANN202
    for i in range(ends.shape[0]):
        _walk(origin, ends[i] - origin, 1.0, stop, mark)


@kernel
def _walk_pixels(pose, cam2img, height, width, stride, stop, mark):  # noqa: ANN001, ANN202
    d = np.empty(3)
    for row in range(stride // 2, height, stride):
        for column in range(stride // 2, width, stride):
            x, y = (column - cam2img[0, 2]) / cam2img[0, 0], (row - cam2img[1, 2]) / cam2img[1, 1]
            for c in range(3):
                d[c] = pose[c, 0] * x + pose[c, 1] * y + pose[c, 2]
            _walk(pose[:3, 3], d, 1e4, stop, mark)


def _to_voxels(points: np.ndarray) -> np.ndarray:
    return (points - GRID_MIN) / VOXEL_SIZE


def _moving_voxels(scene: Scene, time: float, semantics: np.ndarray, ego2street: np.ndarray) -> np.ndarray:
    """Occupied voxels that belong to moving agents (bool); rays of other instants end there."""
    mask = np.zeros(semantics.shape, bool)
    for agent in scene.agents:
        if agent.speed == 0.0:
            continue
        box, size = scene.agent_box(agent, time)
        centre = _to_voxels(apply(invert(ego2street), box[:3, 3][None]))[0]
        reach = int(np.ceil(np.linalg.norm(size) / 2 / VOXEL_SIZE))
        low = np.clip(np.floor(centre).astype(int) - reach, 0, GRID_SHAPE)
        high = np.clip(np.floor(centre).astype(int) + reach + 1, 0, GRID_SHAPE)
        block = tuple(slice(a, b) for a, b in zip(low, high))
        index = np.stack(np.meshgrid(*[np.arange(a, b) for a, b in zip(low, high)], indexing='ij'), axis=-1)
        local = apply(invert(box) @ ego2street, (index.reshape(-1, 3) + 0.5) * VOXEL_SIZE + GRID_MIN)
        near = (np.abs(local) < np.array(size) / 2 + VOXEL_SIZE / 2).all(axis=1).reshape(index.shape[:3])
        mask[block] |= near
    return mask & (semantics != OCC_FREE)


def make_label(scene: Scene, keyframe: int, sweeps: list[Sweep]) -> dict[str, np.ndarray]:
    """Label of a keyframe.

    Args:
        scene (Scene): The scene.
        keyframe (int): Index of the keyframe.
        sweeps (list[Sweep]): All sweeps of the scene, keyframes included.

    Returns:
        dict[str, np.ndarray]: ``semantics``, ``mask_lidar`` and ``mask_camera``, each (200, 200, 16) uint8.
    """
    time = keyframe * KEYFRAME_PERIOD
    ego2street = scene.path.pose(time)
    street2ego = invert(ego2street)
    semantics = voxelize(scene.world_at(time), ego2street)
    mask_lidar = np.zeros(GRID_SHAPE, np.uint8)
    moving = np.array([agent.speed != 0.0 for agent in scene.agents] + [False])  # last entry: index -1, no agent
    block = _moving_voxels(scene, time, semantics, ego2street)
    nothing = np.zeros(GRID_SHAPE, bool)
    for sweep in sweeps:
        now = sweep.time == time
        points = sweep.points if now else sweep.points[~moving[sweep.agents]]
        lidar2ego = street2ego @ sweep.lidar2street
        ends = _to_voxels(apply(lidar2ego, points[:, :3].astype(np.float64)))
        _walk_to(_to_voxels(lidar2ego[:3, 3]), ends, nothing if now else block, mask_lidar)
    occupied = semantics != OCC_FREE
    known = binary_dilation(occupied & (mask_lidar > 0), np.ones((3, 3, 3), bool))
    semantics[occupied & ~known] = OCC_FREE
    return dict(semantics=semantics, mask_lidar=mask_lidar, mask_camera=camera_mask(scene, keyframe, semantics) & mask_lidar)


def camera_mask(scene: Scene, keyframe: int, semantics: np.ndarray) -> np.ndarray:
    """Voxels (200, 200, 16) uint8 that the six cameras reach, up to and including the first occupied one."""
    street2ego = invert(scene.path.pose(keyframe * KEYFRAME_PERIOD))
    mask = np.zeros(GRID_SHAPE, np.uint8)
    stop = semantics != OCC_FREE
    height, width = scene.rig.image_size
    for camera in CAMERAS:
        pose = street2ego @ camera_pose(scene, keyframe, camera)
        pose[:3, 3] = _to_voxels(pose[:3, 3])
        _walk_pixels(pose, scene.rig.cam2img[camera], height, width, max(1, width // _RAY_COLUMNS), stop, mask)
    return mask


def bev_image(label: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Bird's-eye picture (200, 200, 3) of the highest occupied voxels, front up."""
    occupied = label != OCC_FREE
    top = label.shape[2] - 1 - np.argmax(occupied[:, :, ::-1], axis=2)
    classes = np.take_along_axis(label, top[..., None], axis=2)[..., 0]
    return cv2.flip(palette[classes], -1)
