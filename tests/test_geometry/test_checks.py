"""Matrices worked out by hand: what passes, and what each refusal says."""

import numpy as np
import pytest

from projects.geometry import as_intrinsics, as_pose, as_rotation, check_intrinsics, check_poses, positive_number

NAN, INF = float('nan'), float('inf')


def pose(rotation=None, translation=(1.0, 2.0, 3.0), last=(0.0, 0.0, 0.0, 1.0)):
    matrix = np.eye(4)
    matrix[:3, :3] = np.eye(3) if rotation is None else rotation
    matrix[:3, 3], matrix[3] = translation, last
    return matrix


TURN = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # 90 degrees about z
MIRROR = np.diag([1.0, 1, -1])


@pytest.mark.parametrize(
    ('matrix', 'problem'),
    [
        (pose(1.0004 * TURN), None),  # R R^T is 1.0008 on the diagonal: rounding, within 1e-3
        (pose(1.0006 * TURN), r'scaled or skewed .* by 0\.0012'),
        (pose(5 * TURN), 'scaled or skewed .* by 24,'),
        (pose(np.zeros((3, 3))), 'scaled or skewed .* by 1,'),
        (pose(TURN + [[0, 0, 0.01], [0, 0, 0], [0, 0, 0]]), 'scaled or skewed .* by 0.01,'),
        (pose(MIRROR @ TURN), r'mirrors \(determinant -1\)'),
        (pose(last=(0, 0, 0.1, 1)), r'has the last row \[0\.0, 0\.0, 0\.1, 1\.0\], not 0 0 0 1'),
        (pose(translation=(NAN, 0, 0)), 'holds NaN or infinity'),
        (pose(translation=(0, INF, 0)), 'holds NaN or infinity'),
        (pose(TURN * NAN), 'holds NaN or infinity'),
        (np.eye(3), r'must be numbers of shape \(4, 4\), got shape \(3, 3\)'),
        ('x', r"must be numbers of shape \(4, 4\), got 'x'"),
        (None, r'must be numbers of shape \(4, 4\), got'),
    ],
)
def test_a_pose_is_a_rotation_and_a_translation(matrix, problem):
    if problem is None:
        np.testing.assert_array_equal(as_pose(matrix, 'a of f'), matrix)
        return
    with pytest.raises(ValueError, match=f'^a of f .*{problem}.*; do this$'):
        as_pose(matrix, 'a of f', 'do this')


def intrinsics(**changes):
    matrix = np.array([[500.0, 0, 320], [0, 510, 240], [0, 0, 1]])
    for place, value in changes.items():
        matrix[int(place[1]), int(place[2])] = value
    return matrix


@pytest.mark.parametrize(
    ('matrix', 'problem'),
    [
        (intrinsics(), None),
        (intrinsics(m01=2.5, m02=-7), None),  # skew, and a centre outside the image (after a crop), may be
        (intrinsics(m00=0), 'has the focal lengths 0 and 510 px, which must be positive'),
        (intrinsics(m11=-510), 'has the focal lengths 500 and -510 px'),
        (intrinsics(m02=NAN), 'holds NaN or infinity'),
        (intrinsics(m12=INF), 'holds NaN or infinity'),
        (intrinsics(m10=3), r'is no matrix of intrinsics \[\[fx'),
        (intrinsics(m22=0), r'is no matrix of intrinsics \[\[fx'),
        ([], r'must be numbers of shape \(3, 3\), got shape \(0,\)'),
    ],
)
def test_intrinsics_have_positive_focal_lengths_and_a_finite_centre(matrix, problem):
    if problem is None:
        np.testing.assert_array_equal(as_intrinsics(matrix, 'k'), matrix)
        return
    with pytest.raises(ValueError, match=f'^k {problem}'):
        as_intrinsics(matrix, 'k')


def test_of_many_matrices_the_wrong_one_is_named():
    poses = np.stack([pose(), pose(2 * TURN), pose(MIRROR)])
    with pytest.raises(ValueError, match=r'^b is no rotation'):
        check_poses(poses, 'abc'.__getitem__)
    check_poses(poses[:1], 'abc'.__getitem__)
    with pytest.raises(ValueError, match=r'^c has the focal lengths'):
        check_intrinsics(np.stack([intrinsics(), intrinsics(), intrinsics(m00=-1)]), 'abc'.__getitem__)


def test_rotation_of_a_quaternion_is_that_of_pyquaternion():
    from pyquaternion import Quaternion

    for seed in range(20):
        values = np.random.default_rng(seed).normal(size=4)
        values /= np.linalg.norm(values)
        np.testing.assert_allclose(as_rotation(values.tolist(), 'q'), Quaternion(values).rotation_matrix, atol=1e-12)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(as_rotation([half, 0, 0, half], 'q'), TURN, atol=1e-15)
    np.testing.assert_array_equal(as_rotation(TURN, 'q'), TURN)


@pytest.mark.parametrize(
    ('value', 'problem'),
    [
        ([0, 0, 0, 0], 'a quaternion of length 0, not 1'),
        ([2, 0, 0, 0], 'a quaternion of length 2, not 1'),
        ([NAN, 0, 0, 0], 'holds NaN'),
        ([1, 0, 0], r'must be numbers of shape \(4,\)'),
        ('x', r'must be numbers of shape \(4,\)'),
        (3 * TURN, 'scaled or skewed'),
    ],
)
def test_what_is_no_rotation_is_refused(value, problem):
    with pytest.raises(ValueError, match=f'^q .*{problem}'):
        as_rotation(value, 'q')


@pytest.mark.parametrize('value', [0, -1.0, NAN, INF, 'x', None, True, [1.0], 1j])
def test_what_is_no_positive_number_is_refused(value):
    with pytest.raises(ValueError, match=r'^s must be a positive number, got .*; t$'):
        positive_number(value, 's', 't')


def test_positive_numbers_of_numpy_pass():
    assert positive_number(np.float32(0.5), 's') == 0.5
    assert positive_number(256, 's') == 256.0
