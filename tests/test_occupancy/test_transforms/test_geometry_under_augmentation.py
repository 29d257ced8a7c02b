import numpy as np
import pytest

from projects.occupancy.datasets.transforms import BEVAugment, LiDARDepthMap, MultiViewImageAug, project_ego_points

# A camera at (1, 0, 1.5) that looks along x: right is -y, down is -z.
CAM2EGO = np.array([[0, 0, 1, 1.0], [-1, 0, 0, 0], [0, -1, 0, 1.5], [0, 0, 0, 1]])
CAM2IMG = np.array([[100, 0, 79.5], [0, 100, 44.5], [0, 0, 1.0]])


def scene(points):
    points = np.asarray(points, np.float32)
    return {
        'imgs': [np.zeros((90, 160, 3), np.uint8)],
        'img_aug_matrix': np.eye(3)[None],
        'ori_shape': (90, 160),
        'img_shape': (90, 160),
        'cam2img': CAM2IMG[None],
        'cam2ego': CAM2EGO[None],
        'bda_mat': np.eye(4),
        'points': np.hstack([points, np.zeros((len(points), 2), np.float32)]),
        'points_frame': 'ego',
    }


def test_point_projects_to_the_pixel_worked_out_by_hand():
    # In the camera frame (11, 2, 0.5) is right -2, down 1.0, ahead 10.
    pixels, raw, depth = project_ego_points(np.array([[11, 2, 0.5]]), CAM2IMG, CAM2EGO, np.eye(3), np.eye(4))
    np.testing.assert_allclose(pixels, [[59.5, 54.5]])
    np.testing.assert_allclose(raw, pixels)
    np.testing.assert_allclose(depth, [10])


def test_depth_map_holds_the_nearest_point_and_nothing_behind_or_outside():
    points = [[11, 2, 0.5], [6, 1, 1.0], [-9, 0, 1.5], [11, 50, 1.5]]
    out = LiDARDepthMap().transform(scene(points))
    # Both first points project to (59.5, 54.5), which rounds to pixel (60, 55); the depths are 10 and 5.
    expected = np.zeros((1, 90, 160), np.float32)
    expected[0, 55, 60] = 5
    np.testing.assert_array_equal(out['gt_depth'], expected)
    assert out['gt_depth'].dtype == np.float32


def test_older_sweeps_are_left_out_of_the_depth_map_and_points_can_be_dropped():
    data = scene([[11, 2, 0.5]])
    data['points'][0, 4] = 0.1
    out = LiDARDepthMap(keep_points=False).transform(data)
    assert out['gt_depth'].max() == 0
    assert 'points' not in out


def test_point_in_the_padding_of_the_input_is_left_out():
    data = scene([[11, 7.9, 1.5]])  # raw pixel u = 0.5
    data['img_aug_matrix'] = np.array([[[1, 0, 20.0], [0, 1, 0], [0, 0, 1]]])
    assert LiDARDepthMap().transform(data)['gt_depth'].max() == 10
    data = scene([[11, 8.1, 1.5]])  # raw pixel u = -1.5
    data['img_aug_matrix'] = np.array([[[1, 0, 20.0], [0, 1, 0], [0, 0, 1]]])
    assert LiDARDepthMap().transform(data)['gt_depth'].max() == 0


@pytest.mark.parametrize('seed', range(4))
def test_depth_map_equals_a_slow_projection_after_all_augmentations(seed):
    np.random.seed(seed)
    rng = np.random.default_rng(seed)
    points = rng.uniform((3, -10, -1), (30, 10, 4), (200, 3))
    data = scene(points)
    for step in (MultiViewImageAug(final_dim=(48, 96)), BEVAugment(0.5, 0.5), LiDARDepthMap()):
        data = step.transform(data)
    expected = np.zeros((48, 96))
    for x, y, z in points.astype(np.float32).astype(float):
        depth = x - 1
        raw = np.array([79.5 - 100 * y / depth, 44.5 + 100 * (1.5 - z) / depth, 1])
        if not (-0.5 <= raw[0] < 159.5 and -0.5 <= raw[1] < 89.5):
            continue
        u, v, _ = data['img_aug_matrix'][0] @ raw
        col, row = int(np.floor(u + 0.5)), int(np.floor(v + 0.5))
        if 0 <= col < 96 and 0 <= row < 48 and (expected[row, col] == 0 or depth < expected[row, col]):
            expected[row, col] = depth
    assert (expected > 0).sum() > 20
    np.testing.assert_allclose(data['gt_depth'][0], expected, rtol=1e-5)


@pytest.mark.parametrize('flips', [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_occupied_voxel_keeps_its_pixel_and_its_points_under_bev_flips(flips):
    gt_occ = np.full((200, 200, 16), 17, np.uint8)
    gt_occ[140, 90, 4] = 4
    # The centre of voxel (140, 90, 4) on the grid from (-40, -40, -1) with 0.4 m voxels.
    center = np.array([16.2, -3.8, 0.8])
    data = scene([center])
    data.update(gt_occ=gt_occ, mask_camera=gt_occ == 4, mask_lidar=gt_occ == 4)
    before, _, depth = project_ego_points(center[None], CAM2IMG, CAM2EGO, np.eye(3), np.eye(4))
    data = BEVAugment(*flips).transform(data)
    index = np.argwhere(data['gt_occ'] == 4)
    assert len(index) == 1
    moved = np.array([-40, -40, -1]) + (index + 0.5) * 0.4
    np.testing.assert_allclose(data['points'][:, :3], moved, atol=1e-5)
    np.testing.assert_array_equal(data['mask_camera'], data['gt_occ'] == 4)
    after, _, depth_after = project_ego_points(moved, CAM2IMG, CAM2EGO, np.eye(3), data['bda_mat'])
    np.testing.assert_allclose(after, before, atol=1e-9)
    np.testing.assert_allclose(depth_after, depth)


def test_bev_flip_refuses_points_of_the_lidar_frame():
    data = {**scene([[1, 2, 3]]), 'points_frame': 'lidar'}
    with pytest.raises(ValueError, match='BEVAugment needs points in the ego frame'):
        BEVAugment().transform(data)


def test_a_box_that_is_not_symmetric_is_not_mirrored():
    data = {'bda_mat': np.eye(4), 'point_cloud_range': (-10.0, -40.0, -1.0, 70.0, 40.0, 5.4)}
    with pytest.raises(ValueError, match=r'mirrors x, and .* from -10.0 to 70.0 m .* set flip_x_prob=0'):
        BEVAugment(0.5, 0.5).transform(data)
    assert BEVAugment(0.0, 1.0).transform(data)['bda_mat'][1, 1] == -1
