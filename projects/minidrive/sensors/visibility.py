"""Which voxels rays cross: those of a LiDAR to its points, and those of the pixels of the cameras."""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

import numpy as np

from projects.minidrive.shapes.geometry import invert
from projects.minidrive.shapes.jit import pure_kernel
from projects.minidrive.street.ego_car import CAMERAS, KEYFRAME_PERIOD
from projects.minidrive.street.scene import Scene
from projects.occ_eval.classes import FREE_CLASS

from .capture import camera_pose
from .grid import GRID_SHAPE, to_voxels

_RAY_COLUMNS = 270  # camera rays per image row for the mask; 0.4 m at 40 m is 1/170 of the field of view


@pure_kernel
def _walk(px, py, pz, vx, vy, vz, length, stop, mark):  # noqa: ANN001, ANN202
    """Mark the voxels that a ray crosses, up to ``length`` and the first voxel where ``stop`` is set (inclusive).

    Amanatides and Woo's traversal of the ray p + t v, in voxel units.
    """
    size_x, size_y, size_z = mark.shape
    # A zero component never crosses a plane: its huge steps stay beyond every other crossing.
    vx = vx if abs(vx) > 1e-12 else 1e-12
    vy = vy if abs(vy) > 1e-12 else 1e-12
    vz = vz if abs(vz) > 1e-12 else 1e-12
    ax, bx = -px / vx, (size_x - px) / vx
    ay, by = -py / vy, (size_y - py) / vy
    az, bz = -pz / vz, (size_z - pz) / vz
    enter = max(0.0, min(ax, bx), min(ay, by), min(az, bz))
    leave = min(length, max(ax, bx), max(ay, by), max(az, bz))
    if enter > leave:
        return
    x = min(max(int(np.floor(px + enter * vx)), 0), size_x - 1)
    y = min(max(int(np.floor(py + enter * vy)), 0), size_y - 1)
    z = min(max(int(np.floor(pz + enter * vz)), 0), size_z - 1)
    step_x, step_y, step_z = 1 if vx > 0 else -1, 1 if vy > 0 else -1, 1 if vz > 0 else -1
    next_x, next_y, next_z = (x + (vx > 0) - px) / vx, (y + (vy > 0) - py) / vy, (z + (vz > 0) - pz) / vz
    delta_x, delta_y, delta_z = abs(1.0 / vx), abs(1.0 / vy), abs(1.0 / vz)
    while 0 <= x < size_x and 0 <= y < size_y and 0 <= z < size_z:
        mark[x, y, z] = 1
        if stop[x, y, z] or min(next_x, next_y, next_z) > leave:
            return
        if next_x <= next_y and next_x <= next_z:
            x += step_x
            next_x += delta_x
        elif next_y <= next_z:
            y += step_y
            next_y += delta_y
        else:
            z += step_z
            next_z += delta_z


@pure_kernel
def walk_to(origin, ends, stop, mark) -> None:  # noqa: ANN001
    """Mark the voxels that rays from one origin (3,) to their ends (R, 3) cross, in voxel units; see ``_walk``."""
    x, y, z = origin[0], origin[1], origin[2]
    for i in range(ends.shape[0]):
        _walk(x, y, z, ends[i, 0] - x, ends[i, 1] - y, ends[i, 2] - z, 1.0, stop, mark)


@pure_kernel
def _walk_pixels(pose, cam2img, height, width, stride, stop, mark):  # noqa: ANN001, ANN202
    for row in range(stride // 2, height, stride):
        for column in range(stride // 2, width, stride):
            u, v = (column - cam2img[0, 2]) / cam2img[0, 0], (row - cam2img[1, 2]) / cam2img[1, 1]
            vx = pose[0, 0] * u + pose[0, 1] * v + pose[0, 2]
            vy = pose[1, 0] * u + pose[1, 1] * v + pose[1, 2]
            vz = pose[2, 0] * u + pose[2, 1] * v + pose[2, 2]
            _walk(pose[0, 3], pose[1, 3], pose[2, 3], vx, vy, vz, 1e4, stop, mark)


def camera_mask(scene: Scene, keyframe: int, semantics: np.ndarray) -> np.ndarray:
    """Voxels (200, 200, 16) uint8 that the six cameras reach, up to and including the first occupied one."""
    street2ego = invert(scene.path.pose(keyframe * KEYFRAME_PERIOD))
    mask = np.zeros(GRID_SHAPE, np.uint8)
    stop = semantics != FREE_CLASS
    height, width = scene.rig.image_size
    for camera in CAMERAS:
        pose = street2ego @ camera_pose(scene, keyframe, camera)
        pose[:3, 3] = to_voxels(pose[:3, 3])
        _walk_pixels(pose, scene.rig.cam2img[camera], height, width, max(1, width // _RAY_COLUMNS), stop, mask)
    return mask
