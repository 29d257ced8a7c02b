"""Occ3D labels: semantics of 200 x 200 x 16 voxels in the key ego frame, and what LiDAR and cameras observe of them.

As in Occ3D, ``mask_lidar`` holds the voxels that the LiDAR rays of the whole scene cross or hit, ``mask_camera`` those
that camera rays reach up to and including the first occupied voxel, within ``mask_lidar``. Surfaces that no LiDAR ray
came near stay free, as they do in labels that were aggregated from scans.
"""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

import numpy as np
from scipy.ndimage import binary_dilation

from projects.minidrive.shapes import ground as gr
from projects.minidrive.shapes import materials as m
from projects.minidrive.shapes.geometry import apply, invert
from projects.minidrive.shapes.jit import kernel, pure_kernel
from projects.minidrive.shapes.primitives import BOX, CYLINDER, WEDGE
from projects.minidrive.shapes.raycast import World
from projects.minidrive.shapes.taxonomy import LIDARSEG_TO_OCC
from projects.minidrive.street.ego_car import KEYFRAME_PERIOD
from projects.minidrive.street.scene import Scene
from projects.occ_eval.classes import FREE_CLASS

from .capture import Sweep
from .grid import GRID_MIN, GRID_SHAPE, VOXEL_SIZE, to_voxels
from .visibility import camera_mask, walk_to

SAMPLE_STEP = 0.13  # finer than a third of a voxel, so that nothing slips between two samples
_GROUND_SAMPLES = 3
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
                for _ in range(2):
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


@pure_kernel
def _fill_prim(kind, local2ego, half, taper, hollow, occ, rank, priority, out):  # noqa: ANN001, ANN202
    """Mark the voxels of one solid by sampling it densely, its boundary included; ``local2ego`` gives voxel units."""
    nx, ny, nz = out.shape
    count_x = int(np.ceil(2.0 * half[0] / SAMPLE_STEP)) + 1
    count_y = int(np.ceil(2.0 * half[1] / SAMPLE_STEP)) + 1
    count_z = int(np.ceil(2.0 * half[2] / SAMPLE_STEP)) + 1
    m = local2ego
    for i in range(count_x):
        for j in range(count_y):
            rim = i == 0 or i == count_x - 1 or j == 0 or j == count_y - 1
            for k in range(count_z):
                if hollow and not rim and 0 < k < count_z - 1:
                    continue
                a, b, c = 2.0 * i / (count_x - 1) - 1.0, 2.0 * j / (count_y - 1) - 1.0, 2.0 * k / (count_z - 1) - 1.0
                if kind == WEDGE:
                    high = 0.5 * (c + 1.0)
                    front, rear = 1.0 - taper[0] * high, 1.0 - taper[1] * high
                    a = 0.5 * (front - rear) + 0.5 * a * (front + rear)
                    b *= 1.0 - taper[2] * high
                elif kind == CYLINDER:
                    factor = _round(a, b, 0.0) * (1.0 - 0.5 * taper[0] * (c + 1.0))
                    a, b = a * factor, b * factor
                elif kind != BOX:
                    factor = _round(a, b, c)
                    a, b, c = a * factor, b * factor, c * factor
                x = int(np.floor(m[0, 0] * a + m[0, 1] * b + m[0, 2] * c + m[0, 3]))
                y = int(np.floor(m[1, 0] * a + m[1, 1] * b + m[1, 2] * c + m[1, 3]))
                z = int(np.floor(m[2, 0] * a + m[2, 1] * b + m[2, 2] * c + m[2, 3]))
                if 0 <= x < nx and 0 <= y < ny and 0 <= z < nz and rank >= priority[out[x, y, z]]:
                    out[x, y, z] = occ


@pure_kernel
def _round(x, y, z):  # noqa: ANN001, ANN202
    """Factor that maps a point of the unit cube into the unit ball, cube shell by cube shell."""
    norm = np.sqrt(x * x + y * y + z * z)
    return max(abs(x), abs(y), abs(z)) / norm if norm > 0.0 else 1.0


def voxelize(world: World, ego2street: np.ndarray) -> np.ndarray:
    """Semantics (200, 200, 16) uint8 of everything in the world, seen or not, in an ego frame."""
    out = np.full(GRID_SHAPE, FREE_CLASS, np.uint8)
    _fill_ground(ego2street, world.rays.ground, world.rays.parcels, LIDARSEG_TO_OCC[gr.KIND_CATEGORY], out)
    prims = world.prims
    local = apply(invert(ego2street), prims.centre)
    reach = np.linalg.norm(prims.half, axis=1) * 1.3
    top = GRID_MIN + np.array(GRID_SHAPE) * VOXEL_SIZE
    inside = (local + reach[:, None] > GRID_MIN).all(axis=1) & (local - reach[:, None] < top).all(axis=1)
    local2ego = np.tile(np.eye(4), (len(prims.kind), 1, 1))
    shrunk = 0.9999 * prims.half / VOXEL_SIZE
    local2ego[:, :3, :3] = (ego2street[:3, :3].T @ prims.rot.transpose(0, 2, 1)) * shrunk[:, None, :]
    local2ego[:, :3, 3] = to_voxels(local)
    for i in np.flatnonzero(inside):
        occ = LIDARSEG_TO_OCC[prims.category[i]]
        rank = _PRIORITY[occ] if occ != 0 or prims.agent[i] < 0 else 4
        hollow = prims.material[i] == m.FACADE
        _fill_prim(prims.kind[i], local2ego[i], prims.half[i], prims.taper[i], hollow, occ, rank, _PRIORITY, out)
    return out


def _moving_voxels(scene: Scene, time: float, semantics: np.ndarray, ego2street: np.ndarray) -> np.ndarray:
    """Occupied voxels that belong to moving agents (bool); rays of other instants end there."""
    mask = np.zeros(semantics.shape, bool)
    for agent in scene.agents:
        if agent.speed == 0.0:
            continue
        box, size = scene.agent_box(agent, time)
        centre = to_voxels(apply(invert(ego2street), box[:3, 3][None]))[0]
        reach = int(np.ceil(np.linalg.norm(size) / 2 / VOXEL_SIZE))
        low = np.clip(np.floor(centre).astype(int) - reach, 0, GRID_SHAPE)
        high = np.clip(np.floor(centre).astype(int) + reach + 1, 0, GRID_SHAPE)
        block = tuple(slice(a, b) for a, b in zip(low, high))
        index = np.stack(np.meshgrid(*[np.arange(a, b) for a, b in zip(low, high)], indexing='ij'), axis=-1)
        local = apply(invert(box) @ ego2street, (index.reshape(-1, 3) + 0.5) * VOXEL_SIZE + GRID_MIN)
        near = (np.abs(local) < np.array(size) / 2 + VOXEL_SIZE / 2).all(axis=1).reshape(index.shape[:3])
        mask[block] |= near
    return mask & (semantics != FREE_CLASS)


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
        ends = to_voxels(apply(lidar2ego, points[:, :3].astype(np.float64)))
        walk_to(to_voxels(lidar2ego[:3, 3]), ends, nothing if now else block, mask_lidar)
    occupied = semantics != FREE_CLASS
    known = binary_dilation(occupied & (mask_lidar > 0))
    semantics[occupied & ~known] = FREE_CLASS
    mask_camera = camera_mask(scene, keyframe, semantics) & mask_lidar
    return {'semantics': semantics, 'mask_lidar': mask_lidar, 'mask_camera': mask_camera}
