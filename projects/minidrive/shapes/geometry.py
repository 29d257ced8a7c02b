"""Rotations and rigid transforms. Frames are right-handed, ego x forward, y left, z up; ``a2b @ p_a = p_b``."""

import numpy as np


def rotation_z(yaw: float) -> np.ndarray:
    """Rotation (3, 3) about the z axis by ``yaw`` radians."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def rotation_rpy(roll: float, pitch: float, yaw: float) -> np.ndarray:
    """Rotation (3, 3) of roll about x, then pitch about y, then yaw about z, in radians."""
    cr, sr, cp, sp = np.cos(roll), np.sin(roll), np.cos(pitch), np.sin(pitch)
    rot_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    rot_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    return rotation_z(yaw) @ rot_y @ rot_x


def rotation_on_surface(yaw: float, normal: np.ndarray) -> np.ndarray:
    """Rotation whose z axis is ``normal`` (3,) and whose x axis points along ``yaw`` seen from above."""
    nx, ny, nz = (float(v) for v in normal)
    x, y = float(np.cos(yaw)), float(np.sin(yaw))
    z = -(x * nx + y * ny) / nz
    norm = (x * x + y * y + z * z) ** 0.5
    x, y, z = x / norm, y / norm, z / norm
    left = ny * z - nz * y, nz * x - nx * z, nx * y - ny * x
    return np.array([[x, left[0], nx], [y, left[1], ny], [z, left[2], nz]])


def make_transform(rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """Homogeneous matrix (4, 4) of a rotation (3, 3) and a translation (3,)."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = translation
    return matrix


def invert(transform: np.ndarray) -> np.ndarray:
    """Inverse of a rigid transform (4, 4)."""
    rotation = transform[:3, :3].T
    return make_transform(rotation, -rotation @ transform[:3, 3])


def apply(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Transform points (P, 3) by a matrix (4, 4)."""
    return points @ transform[:3, :3].T + transform[:3, 3]


def quaternion(rotation: np.ndarray) -> list[float]:
    """Unit quaternion [w, x, y, z] of a rotation matrix, with w >= 0 (nuScenes order)."""
    r = rotation
    diagonal = np.array([1 + r[0, 0] + r[1, 1] + r[2, 2], 1 + r[0, 0] - r[1, 1] - r[2, 2],
                         1 - r[0, 0] + r[1, 1] - r[2, 2], 1 - r[0, 0] - r[1, 1] + r[2, 2]])  # fmt: skip
    largest = int(np.argmax(diagonal))
    if largest == 0:
        q = np.array([diagonal[0], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    elif largest == 1:
        q = np.array([r[2, 1] - r[1, 2], diagonal[1], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]])
    elif largest == 2:
        q = np.array([r[0, 2] - r[2, 0], r[0, 1] + r[1, 0], diagonal[2], r[1, 2] + r[2, 1]])
    else:
        q = np.array([r[1, 0] - r[0, 1], r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], diagonal[3]])
    q /= np.linalg.norm(q)
    return [float(v) for v in (q if q[0] >= 0 else -q)]
