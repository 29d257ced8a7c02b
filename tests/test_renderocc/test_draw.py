"""Rays to LiDAR returns: where they start and end, which are drawn, and what their classes are."""

import numpy as np
import pytest

from projects.occupancy.datasets.transforms import BEVAugment
from projects.renderocc import DrawLidarRays, class_weights

BOX = (-4.0, -4.0, -2.0, 4.0, 4.0, 2.0)


def frame(points, classes=None, lidar=(1.0, 0.5, 1.0)):
    """A sample in the ego frame, of points (x, y, z) and a LiDAR at a place."""
    lidar2ego = np.eye(4)
    lidar2ego[:3, 3] = lidar
    rows = np.zeros((len(points), 5), np.float32)
    rows[:, :3] = np.reshape(points, (-1, 3))
    sample = {
        'points': rows,
        'points_frame': 'ego',
        'lidar2ego': lidar2ego,
        'bda_mat': np.eye(4),
        'point_cloud_range': BOX,
    }
    return sample if classes is None else {**sample, 'point_classes': np.array(classes, np.uint8)}


def test_a_ray_leads_from_the_lidar_to_the_return():
    """From (1, 0.5, 1) to (-1, 3.5, -1 - 4): no; to (-1, 0.5, 1): two metres along -x."""
    found = DrawLidarRays(5)(frame([(-1, 0.5, 1), (1.0, 0.5, 7.0)]))
    assert found['lidar_rays'].tolist() == [[1, 0.5, 1, -1, 0, 0, 2]]
    assert found['lidar_ray_classes'].tolist() == [255]
    assert 'points' not in found


@pytest.mark.parametrize(('flips', 'origin'), [((1, 0), (-1, 0.5)), ((0, 1), (1, -0.5)), ((1, 1), (-1, -0.5))])
def test_rays_of_a_mirrored_frame_are_mirrored_rays(flips, origin):
    """From (1, 0.5, 1) to (3, 2.5, 2), three metres along (2, 2, 1) / 3; signs follow the flips."""
    sample = BEVAugment(*map(float, flips))(frame([(3.0, 2.5, 2.0 - 1e-6)]))
    (ray,) = DrawLidarRays(1)(sample)['lidar_rays']
    signs = np.array([-1.0 if flip else 1.0 for flip in flips])
    np.testing.assert_allclose(ray[:3], [*origin, 1])
    np.testing.assert_allclose(ray[3:6], [*(signs * 2 / 3), 1 / 3], atol=1e-6)
    assert ray[6] == pytest.approx(3)


def test_returns_outside_the_grid_say_that_the_way_is_free():
    points = [(1.0, 0.5, 3.0), (1.0, -3.5, 1.0)]
    assert DrawLidarRays(5)(frame(points))['lidar_rays'][:, 6].tolist() == [4.0]
    assert DrawLidarRays(5, outside=True)(frame(points))['lidar_rays'][:, 6].tolist() == [np.inf, 4.0]


def test_near_returns_older_sweeps_and_unknown_classes_are_left_out():
    points = [(1.0, 1.4, 1.0), (3.0, 0.5, 1.0), (1.0, -1.5, 1.0), (-2.0, 0.5, 1.0)]
    sample = frame(points, [4, 4, 255, 11])
    sample['points'][1, 4] = 0.05
    found = DrawLidarRays(5)({**sample})
    assert found['lidar_ray_classes'].tolist() == [11]
    assert found['lidar_rays'][:, 6].tolist() == [3]
    assert DrawLidarRays(5, labelled_only=False)({**sample})['lidar_ray_classes'].tolist() == [255, 11]


def test_a_frame_without_labels_keeps_its_rays_without_their_classes():
    found = DrawLidarRays(5)(frame([(3.0, 0.5, 1.0), (-2.0, 0.5, 1.0)], [255, 255]))
    assert sorted(found['lidar_rays'][:, 6].tolist()) == [2, 3]
    assert found['lidar_ray_classes'].tolist() == [255, 255]


def test_no_return_in_the_grid_gives_no_rays():
    found = DrawLidarRays(5)(frame([(90.0, 0.0, 0.0)], [4]))
    assert found['lidar_rays'].shape == (0, 7)
    assert found['lidar_ray_classes'].shape == (0,)


def test_weights_of_classes_by_hand():
    """exp(0.005 * 0), exp(0.005 * 99) = 1.640, exp(0.005 * 999) = 147.7 and that of no point, both limited."""
    weights = class_weights(np.array([1000, 10, 1, 0]), 0.005, 100.0)
    np.testing.assert_allclose(weights, [1, 1.6404985, 100, 100], rtol=1e-6)
    np.testing.assert_array_equal(class_weights(np.array([1000, 10, 1]), 0.0), 1)


def test_rare_classes_are_drawn_more_often_and_the_generator_goes_on():
    """200 returns of class 11 against 2 of class 7, of weight exp(0.05 * 99) = 141: half of the single draws."""
    points = [(-1.0, 0.5, 1.0)] * 202
    draw, sample = DrawLidarRays(1, balance=0.05, max_weight=1000.0), frame(points, [11] * 200 + [7] * 2)
    classes = []
    for seed in range(400):
        np.random.seed(seed)
        classes += draw({**sample})['lidar_ray_classes'].tolist()
        after = np.random.uniform()
        np.random.seed(seed)
        assert after == np.random.uniform()
    # 2 * 141.2 / (200 + 2 * 141.2) = 0.585; three standard deviations are 0.074.
    assert np.mean(np.array(classes) == 7) == pytest.approx(0.585, abs=0.074)


def test_a_ray_of_a_camera_starts_at_the_first_camera_that_sees_the_return():
    """Cameras at (0, 0, 0) look along +x and -x; pixels are 2 y / x + 2 and so on; the third point is between them."""
    ahead = np.array([[0, 0, 1, 0.1], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]], float)
    back = np.array([[0, 0, -1, -0.1], [1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]], float)
    sample = frame([(2.1, 0.0, 0.0), (-3.1, 0.0, 0.0), (0.0, 3.0, 0.0)])
    sample.update(
        cam2img=np.array([[[2.0, 0, 2], [0, 2, 2], [0, 0, 1]]] * 2),
        cam2ego=np.stack([ahead, back]),
        img_aug_matrix=np.stack([np.eye(3)] * 2),
        ori_shape=(5, 5),
        img_shape=(5, 5),
    )
    rays = DrawLidarRays(5, origin='camera')(sample)['lidar_rays']
    np.testing.assert_allclose(rays, [[0.1, 0, 0, 1, 0, 0, 2], [-0.1, 0, 0, -1, 0, 0, 3]], atol=1e-6)


def test_classes_of_other_points_are_refused():
    with pytest.raises(ValueError, match='2 classes for 1 points'):
        DrawLidarRays(5)(frame([(2.0, 0.0, 0.0)], [1, 1]))
