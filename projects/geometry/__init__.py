"""Checks of calibration, poses and times, the same for every reader and converter; NumPy alone."""

from .checks import (
    ROTATION_TOLERANCE,
    as_intrinsics,
    as_matrix,
    as_pose,
    as_rotation,
    check_intrinsics,
    check_poses,
    is_finite_number,
    positive_number,
    stack_matrices,
)

__all__ = [
    'ROTATION_TOLERANCE',
    'as_intrinsics',
    'as_matrix',
    'as_pose',
    'as_rotation',
    'check_intrinsics',
    'check_poses',
    'is_finite_number',
    'positive_number',
    'stack_matrices',
]
