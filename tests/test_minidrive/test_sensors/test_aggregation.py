"""Labels made of points, in a world of a few voxels. Voxel i along x reaches from 0.4 i - 40 to 0.4 i - 39.6 m."""

import numpy as np
import pytest

from projects.minidrive.sensors.aggregation import Boxes, aggregate, carry, make_scan, vote
from projects.minidrive.shapes.geometry import make_transform, rotation_z

CAR, MANMADE, VEGETATION, FREE = 4, 15, 16, 17
ORIGIN = np.array([0.2, 0.2, 0.4])  # the centre of voxel (100, 100, 3)
NOTHING = Boxes(np.zeros((0, 4, 4)), np.zeros((0, 3)))


def row(x, y=0.2):
    """Points at places ``x`` of the row of voxels (., 100, 3)."""
    return np.array([[value, y, 0.4] for value in x])


def box_at(x, y=0.2, yaw=0.0):
    """One moving object, 1.2 m long, 0.8 m wide and high: three voxels of a row."""
    pose = make_transform(rotation_z(yaw), np.array([x, y, 0.4]))
    return Boxes(pose[None], np.array([[1.2, 0.8, 0.8]]))


def scan(time, points, classes, boxes=NOTHING):
    return make_scan(time, ORIGIN, points, np.array(classes), boxes)


def voxels_of(array, value):
    return {tuple(map(int, index)) for index in np.argwhere(array == value)}


def test_a_wall_has_the_class_of_most_of_its_points_the_way_to_it_is_free_and_what_is_behind_it_a_hole():
    wall = scan(0.0, row([4.1, 4.2, 4.3]), [VEGETATION, MANMADE, MANMADE])
    semantics, mask = aggregate([wall], wall, np.eye(4))
    assert voxels_of(semantics, MANMADE) == {(110, 100, 3)}
    assert (semantics != FREE).sum() == 1
    assert voxels_of(mask, 1) == {(x, 100, 3) for x in range(100, 111)}


def test_the_scans_of_other_instants_vote_in_the_frame_of_the_keyframe():
    """The ego car drove 4 m (ten voxels) and looks left, so the wall at x = 8.2 is 4 m to its right."""
    now, then = scan(1.0, row([8.2]), [MANMADE]), scan(0.0, row([8.1, 8.3]), [VEGETATION, VEGETATION])
    street2ego = np.linalg.inv(make_transform(rotation_z(np.pi / 2), np.array([4.0, 0.0, 0.0])))
    semantics, _ = aggregate([then, now], now, street2ego)
    assert voxels_of(semantics, VEGETATION) == {(100, 89, 3)}  # x = 0.2, y = 4 - 8.2 = -4.2 m
    assert (semantics != FREE).sum() == 1


def test_of_equal_numbers_of_points_the_lower_class_wins_and_points_outside_of_the_grid_do_not_count():
    voxels = np.array([[5.5, 6.5, 7.5], [5.1, 6.9, 7.2], [-0.1, 6.5, 7.5], [200.0, 6.5, 7.5]])
    semantics = vote(voxels, np.array([16, 4, 15, 15]))
    assert voxels_of(semantics, 4) == {(5, 6, 7)}
    assert (semantics != FREE).sum() == 1


@pytest.mark.parametrize(('boxes', 'expected'), [(True, {129, 131}), (False, {119, 131})])
def test_points_of_a_moving_car_go_where_its_box_is_and_without_the_box_the_car_is_smeared(boxes, expected):
    """The car drives from x = 8.2 to 12.2 m. Its tail is seen at first, 0.4 m behind its centre, its nose at last."""
    then = scan(0.0, row([7.8]), [CAR], box_at(8.2) if boxes else NOTHING)
    now = scan(1.0, row([12.6]), [CAR], box_at(12.2) if boxes else NOTHING)
    semantics, mask = aggregate([then, now], now, np.eye(4))
    assert voxels_of(semantics, CAR) == {(x, 100, 3) for x in expected}
    assert (mask[semantics != FREE] == 1).all()


def test_a_car_that_turns_carries_its_points_around():
    then = scan(0.0, row([8.6]), [CAR], box_at(8.2))  # its nose, 0.4 m ahead of its centre
    np.testing.assert_allclose(carry(then, box_at(2.0, 4.0, np.pi / 2)), [[2.0, 4.4, 0.4]], atol=1e-12)


def test_rays_of_other_instants_end_before_the_car_and_not_where_it_was():
    """At first the car is beside the row and a ray reaches the wall at 16.2 m; at last the car is in between."""
    then = scan(0.0, np.concatenate([row([16.2]), row([12.2], y=8.2)]), [MANMADE, CAR], box_at(12.2, 8.2))
    now = scan(1.0, row([11.8]), [CAR], box_at(12.2))
    semantics, mask = aggregate([then, now], now, np.eye(4))
    assert voxels_of(semantics, CAR) == {(129, 100, 3), (130, 100, 3)}  # the tail seen now, the middle seen then
    assert voxels_of(semantics, MANMADE) == {(140, 100, 3)}
    assert voxels_of(mask, 1) == {(x, 100, 3) for x in [*range(100, 131), 140]}


def test_a_point_in_two_boxes_belongs_to_the_nearer_one_and_a_point_beside_them_to_none():
    poses = np.concatenate([box_at(8.2).poses, box_at(9.0).poses])
    boxes = Boxes(poses, np.array([[1.2, 0.8, 0.8]] * 2))
    found = make_scan(0.0, ORIGIN, row([8.5, 8.7, 9.69, 9.71]), np.full(4, CAR), boxes)  # 0.1 m of margin
    assert found.owners.tolist() == [0, 1, 1, -1]
