"""What a pose, a matrix of intrinsics and a number of a calibration must be. N matrices."""

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np

ROTATION_TOLERANCE = 1e-3
"""How far ``R @ R.T`` may be from the identity, and a quaternion from length 1. Rounding to float32 is 1e-7, tables
with four digits are 1e-4; a scale of 0.05 percent is found."""


def is_finite_number(value: Any) -> bool:
    """Whether a value is one number (of Python or NumPy, no bool) that is neither NaN nor infinite."""
    if type(value) is float:  # nearly always, and much faster than the abstract class
        return math.isfinite(value)
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and math.isfinite(value)


def positive_number(value: Any, name: str, hint: str = '') -> float:
    """A number above 0 that is finite.

    Args:
        value (Any): As read.
        name (str): What it is, with its file and key, for the message.
        hint (str): What to do, appended to the message. Defaults to ''.

    Raises:
        ValueError: If it is something else.
    """
    if not is_finite_number(value) or not value > 0:
        raise ValueError(f'{name} must be a positive number, got {value!r}{_advice(hint)}')
    return float(value)


def as_matrix(value: Any, shape: tuple[int, ...], name: str, hint: str = '') -> np.ndarray:
    """Finite numbers of one shape.

    Args:
        value (Any): Array or nested lists.
        shape (tuple[int, ...]): Expected shape.
        name (str): What it is, with its file and key, for the message.
        hint (str): What to do, appended to the message. Defaults to ''.

    Returns:
        np.ndarray: float64.

    Raises:
        ValueError: If it is something else.
    """
    try:
        matrix = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{name} must be numbers of shape {shape}, got {_shown(value)}{_advice(hint)}') from error
    if matrix.shape != shape:
        raise ValueError(f'{name} must be numbers of shape {shape}, got shape {matrix.shape}{_advice(hint)}')
    if not np.isfinite(matrix).all():
        raise ValueError(f'{name} holds NaN or infinity: {matrix.tolist()}{_advice(hint)}')
    return matrix


def stack_matrices(
    values: Sequence[Any], shape: tuple[int, ...], name_of: Callable[[int], str], hint: str = ''
) -> np.ndarray:
    """Stack matrices of numbers, which :func:`check_poses` or :func:`check_intrinsics` looks at next.

    Args:
        values (Sequence): Arrays or nested lists.
        shape (tuple[int, ...]): Shape of each.
        name_of (Callable): What the matrix of an index is, with its file and key, for the message.
        hint (str): What to do, appended to the message. Defaults to ''.

    Returns:
        np.ndarray: Shape (N, *shape), float64.

    Raises:
        ValueError: If one has another shape or is no matrix of numbers.
    """
    try:
        stacked = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        stacked = np.empty(0)
    if stacked.shape == (len(values), *shape):
        return stacked
    return np.stack([as_matrix(value, shape, name_of(index), hint) for index, value in enumerate(values)])


def check_poses(poses: np.ndarray, name_of: Callable[[int], str], hint: str = '') -> None:
    """Check that matrices are rigid motions: finite, a rotation of determinant 1, last row 0 0 0 1.

    Args:
        poses (np.ndarray): Shape (N, 4, 4), float64.
        name_of (Callable): What the matrix of an index is, with its file and key, for the message.
        hint (str): What to do, appended to the message. Defaults to ''.

    Raises:
        ValueError: For the first that is none; says what is wrong with it.
    """
    rotations = poses[:, :3, :3]
    products = rotations @ rotations.transpose(0, 2, 1)
    # NaN and infinity fail the comparison, so one pass tells for all. Few operations: this runs for every sample.
    with np.errstate(invalid='ignore'):
        right = (
            (np.abs(products - _IDENTITY).reshape(-1, 9).max(1) < ROTATION_TOLERANCE)
            & (np.linalg.det(rotations) > 0)
            & (poses[:, 3] == _LAST_ROW).all(1)
            & np.isfinite(poses[:, :3, 3]).all(1)
        )
    if right.all():
        return
    index = int(np.argmin(right))
    raise ValueError(f'{name_of(index)} {_pose_problem(poses[index])}{_advice(hint)}')


def check_intrinsics(matrices: np.ndarray, name_of: Callable[[int], str], hint: str = '') -> None:
    """Check pinhole intrinsics: finite, positive focal lengths, nothing below the diagonal, last row 0 0 1.

    Args:
        matrices (np.ndarray): Shape (N, 3, 3), float64.
        name_of (Callable): What the matrix of an index is, with its file and key, for the message.
        hint (str): What to do, appended to the message. Defaults to ''.

    Raises:
        ValueError: For the first that is none; says what is wrong with it.
    """
    flat = matrices.reshape(-1, 9)
    right = (
        np.isfinite(flat).all(1)
        & (flat[:, 0] > 0)
        & (flat[:, 4] > 0)
        & (flat[:, (3, 6, 7, 8)] == _BELOW_THE_FOCAL_LENGTHS).all(1)
    )
    if right.all():
        return
    index = int(np.argmin(right))
    raise ValueError(f'{name_of(index)} {_intrinsics_problem(matrices[index])}{_advice(hint)}')


def as_pose(value: Any, name: str, hint: str = '') -> np.ndarray:
    """One rigid motion (4, 4), float64; see :func:`check_poses`."""
    pose = as_matrix(value, (4, 4), name, hint)
    check_poses(pose[None], lambda _: name, hint)
    return pose


def as_intrinsics(value: Any, name: str, hint: str = '') -> np.ndarray:
    """One matrix of intrinsics (3, 3), float64; see :func:`check_intrinsics`."""
    matrix = as_matrix(value, (3, 3), name, hint)
    check_intrinsics(matrix[None], lambda _: name, hint)
    return matrix


def as_rotation(value: Any, name: str, hint: str = '') -> np.ndarray:
    """Rotation matrix of a quaternion (w, x, y, z) of length 1, or a rotation matrix itself.

    Args:
        value (Any): Four or three times three numbers.
        name (str): What it is, with its file and key, for the message.
        hint (str): What to do, appended to the message. Defaults to ''.

    Returns:
        np.ndarray: Shape (3, 3), float64.

    Raises:
        ValueError: If it is neither. A quaternion of another length is refused, since it may be scaled by mistake or
            be something else.
    """
    if np.ndim(value) == 2:
        pose = np.eye(4)
        pose[:3, :3] = as_matrix(value, (3, 3), name, hint)
        check_poses(pose[None], lambda _: name, hint)
        return pose[:3, :3]
    w, x, y, z = as_matrix(value, (4,), name, hint).tolist()
    length = math.sqrt(w * w + x * x + y * y + z * z)
    if not abs(length - 1) < ROTATION_TOLERANCE:
        raise ValueError(f'{name} is no rotation: a quaternion of length {length:g}, not 1{_advice(hint)}')
    w, x, y, z = w / length, x / length, y / length, z / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


_IDENTITY = np.eye(3)
_LAST_ROW = np.array([0.0, 0.0, 0.0, 1.0])
_BELOW_THE_FOCAL_LENGTHS = np.array([0.0, 0.0, 0.0, 1.0])


def _pose_problem(pose: np.ndarray) -> str:
    rotation = pose[:3, :3]
    if not np.isfinite(pose).all():
        return f'holds NaN or infinity: {pose.tolist()}'
    error = float(np.abs(rotation @ rotation.T - _IDENTITY).max())
    if error >= ROTATION_TOLERANCE:
        return (
            f'is no rotation and translation: its upper left 3x3 block R is scaled or skewed (R R^T is off the '
            f'identity by {error:.3g}, allowed are {ROTATION_TOLERANCE:g})'
        )
    if not (pose[3] == _LAST_ROW).all():
        return f'has the last row {pose[3].tolist()}, not 0 0 0 1'
    return 'is no rotation and translation: it mirrors (determinant -1)'


def _intrinsics_problem(matrix: np.ndarray) -> str:
    if not np.isfinite(matrix).all():
        return f'holds NaN or infinity: {matrix.tolist()}'
    if not (matrix[0, 0] > 0 and matrix[1, 1] > 0):
        return f'has the focal lengths {matrix[0, 0]:g} and {matrix[1, 1]:g} px, which must be positive'
    return f'is no matrix of intrinsics [[fx, s, cx], [0, fy, cy], [0, 0, 1]]: {matrix.tolist()}'


def _advice(hint: str) -> str:
    return f'; {hint}' if hint else ''


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f'{text[:80]}...'
