"""RayIoU against a literal, slow port of the published caster, and by hand."""

import math
from dataclasses import replace

import numba
import numpy as np
import pytest
from occ_oracles import cast_ray, disturb, make_scene, published_counts

from projects.occ_eval import OccSpec, labels_at_points, lidar_rays, mean_rayiou, ray_counts, rayiou_from_counts
from projects.occ_eval.classes import OCC3D

ORIGINS = np.array([[0.98, 0.0, 1.84], [-31.7, 12.3, 1.6], [38.9, -38.9, 2.2], [4.0, 4.0, 1.0]])


def free():
    return np.full((200, 200, 16), 17, np.uint8)


def one_ray(direction):
    return np.array([direction], np.float32)


def test_rays_are_the_published_ones():
    pitches = [-(math.pi / 2 - math.atan(k + 1)) for k in range(10)]
    while pitches[-1] < 0.21:
        pitches.append(pitches[-1] + (pitches[-1] - pitches[-2]))
    slow = [
        (np.cos(p) * np.cos(np.deg2rad(a)), np.cos(p) * np.sin(np.deg2rad(a)), np.sin(p))
        for p in pitches
        for a in np.arange(0, 360, 1)
    ]
    assert lidar_rays().shape == (39 * 360, 3)
    np.testing.assert_array_equal(lidar_rays(), np.array(slow, np.float32))
    assert math.degrees(math.asin(lidar_rays()[0, 2])) == pytest.approx(-45, abs=1e-5)


def test_a_grid_of_other_voxels_is_refused_instead_of_scored_as_if_they_were_0_4_m():
    coarse = np.full((100, 100, 8), 17, np.uint8)
    coarse[60:, 50, :4] = 15
    with pytest.raises(ValueError, match=r'RayIoU is defined on .*\(200, 200, 16\).*this grid is \(100, 100, 8\)'):
        ray_counts(coarse, coarse, ORIGINS)
    with pytest.raises(ValueError, match=r'lookup of points in voxels'):
        labels_at_points(coarse, np.zeros((1, 3)))


def test_metres_and_classes_come_from_the_spec_of_the_data():
    """Voxels of 0.8 m, origins and rays twice as far: what was right within 1 and 2 m is right within 2 and 4 m."""
    doubled = replace(OCC3D, point_cloud_range=tuple(2 * value for value in OCC3D.point_cloud_range))
    target = make_scene(3)
    pred = disturb(target, 4)
    rays = lidar_rays()[::7]
    counts = ray_counts(pred, target, ORIGINS, rays=rays)
    twice = ray_counts(pred, target, 2 * np.asarray(ORIGINS), rays=2 * rays, spec=doubled)
    np.testing.assert_array_equal(twice[1:3], counts[:2])
    np.testing.assert_array_equal(twice[3:], counts[3:])
    assert (twice[0] < counts[0]).any()


def test_a_grid_of_0_8_m_is_scored_where_its_spec_is_known():
    spec = OccSpec(('wall', 'free'), ((0, 0, 0), (9, 9, 9)), OCC3D.point_cloud_range, (100, 100, 8), ('FRONT',))
    target, pred = np.full((2, 100, 100, 8), 1, np.uint8)
    target[60] = pred[62] = 0  # walls 1.6 m apart: right within 2 and 4 m, not within 1 m
    ray = np.array([[1, 0, 0]], np.float32)
    counts = ray_counts(pred, target, np.array([[0.1, 0.1, 0.1]]), rays=ray, spec=spec)
    assert counts.tolist() == [[0], [1], [1], [1], [1]]
    with pytest.raises(ValueError, match=r'grid of the data set, \(100, 100, 8\) voxels of 0.8 m .* is \(50, 100, 8\)'):
        ray_counts(pred[::2], target[::2], np.zeros((1, 3)), spec=spec)
    flat = replace(spec, point_cloud_range=(-40.0, -40.0, -1.0, 40.0, 40.0, 3.0))
    with pytest.raises(ValueError, match='voxels that are cubes'):
        ray_counts(pred, target, np.zeros((1, 3)), spec=flat)


@pytest.mark.parametrize('threads', [1, 3])
def test_counts_equal_the_literal_port_on_every_ray(threads):
    target = make_scene(0)
    pred = disturb(target, 1)
    expected = published_counts(pred, target, lidar_rays(), ORIGINS, numba.njit(cast_ray))
    counts = ray_counts(pred, target, ORIGINS, threads)
    np.testing.assert_array_equal(counts, expected)
    assert (counts[:3].sum(1) > 0).all()
    assert (np.diff(counts[:3].sum(1)) > 0).all()  # the thresholds tell rays apart


def test_counts_equal_the_interpreted_port_for_rays_along_axes_and_diagonals():
    target = make_scene(5)
    pred = disturb(target, 6)
    rays = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1], [1, 1, 0], [-1, 1, 0.5],
                     [1, -1, -1], [0.3, 0.3, 0.3], [0, 0.6, 0.8]], np.float32)  # fmt: skip
    origins = np.array([[0.0, 0.0, 1.0], [0.4, -0.4, 0.6], [-12.2, 7.1, 5.3]])
    np.testing.assert_array_equal(
        ray_counts(pred, target, origins, rays=rays), published_counts(pred, target, rays, origins)
    )


def test_origins_outside_the_grid_follow_the_published_code():
    target = make_scene(2)
    target[0, 0, 0] = 4  # what a ray that never enters the grid reports
    pred = disturb(target, 3)
    pred[0, 0, 0] = 4
    origins = np.array([[3.0, 2.0, 9.5], [3.0, 2.0, -1.3], [-38.9, 5.0, -7.0]])
    rays = lidar_rays()[::13]
    expected = published_counts(pred, target, rays, origins, numba.njit(cast_ray))
    np.testing.assert_array_equal(ray_counts(pred, target, origins, rays=rays), expected)
    assert expected[3, 4] > 0


def test_distance_is_to_the_far_side_of_the_voxel_and_compared_strictly():
    # A ray along x from (0, 0, 1): walls at x = 4.0..4.4 and 6.0..6.4 m are left at 4.4 and 6.4 m, 2 m apart.
    target, pred = free(), free()
    target[110], pred[115] = 15, 15
    origin, ray = np.array([[0.0, 0.1, 1.0]]), one_ray([1, 0, 0])
    counts = ray_counts(pred, target, origin, rays=ray)
    distances = np.float32([11, 16]) * np.float32(0.4)
    assert counts[:3, 15].tolist() == [0, int(distances[1] - distances[0] < 2), 1]
    assert counts[3:, 15].tolist() == [1, 1]


def test_rays_that_hit_nothing_in_the_label_do_not_count():
    target, pred = free(), free()
    pred[120] = 15
    assert ray_counts(pred, target, ORIGINS[:1]).sum() == 0
    missed = ray_counts(target, pred, ORIGINS[:1])
    assert missed[3, 15] > 0
    assert missed[[0, 1, 2, 4]].sum() == 0


def test_scores_worked_out_by_hand():
    counts = np.zeros((5, 3), int)
    counts[:, 0] = [1, 2, 3, 4, 4]  # union 7, 6, 5
    counts[:, 1] = [0, 0, 0, 0, 2]  # predicted only
    np.testing.assert_allclose(rayiou_from_counts(counts), [[1 / 7, 0, np.nan], [1 / 3, 0, np.nan], [0.6, 0, np.nan]])
    scores = mean_rayiou(counts)
    assert scores['1'] == pytest.approx(1 / 14)
    assert scores['4'] == pytest.approx(0.3)
    assert scores['mean'] == pytest.approx((1 / 7 + 1 / 3 + 0.6) / 6)


def test_perfect_prediction_scores_one_and_arrays_are_checked():
    target = make_scene(0)
    assert mean_rayiou(ray_counts(target, target, ORIGINS[:1]))['mean'] == 1.0
    with pytest.raises(ValueError, match='uint8 of one shape'):
        ray_counts(target.astype(np.int64), target, ORIGINS)
    with pytest.raises(ValueError, match=r'origins must be \(T, 3\)'):
        ray_counts(target, target, ORIGINS[:, :2])
