"""What the tables, the LiDAR, the pictures and the boxes say about one world must agree."""

import cv2
import numpy as np
import pytest
from nuscenes.utils.geometry_utils import view_points
from pyquaternion import Quaternion

from projects.minidrive import camera_depth

CAMERAS = ['CAM_FRONT_LEFT', 'CAM_FRONT', 'CAM_FRONT_RIGHT', 'CAM_BACK_LEFT', 'CAM_BACK', 'CAM_BACK_RIGHT']


def matrix(record):
    out = np.eye(4)
    out[:3, :3] = Quaternion(record['rotation']).rotation_matrix
    out[:3, 3] = record['translation']
    return out


def lidar_points(nusc, sample):
    data = nusc.get('sample_data', sample['data']['LIDAR_TOP'])
    points = np.fromfile(nusc.get_sample_data_path(data['token']), np.float32).reshape(-1, 5)
    ego = matrix(nusc.get('calibrated_sensor', data['calibrated_sensor_token']))
    return points, points[:, :3] @ ego[:3, :3].T + ego[:3, 3], matrix(nusc.get('ego_pose', data['ego_pose_token']))


def mapped(nusc, lidar_token, camera_token):
    """What the devkit's map_pointcloud_to_image keeps: pixels, depths, and whether the point lies on static ground."""
    lidar, camera = (nusc.get('sample_data', token) for token in (lidar_token, camera_token))
    points = np.fromfile(nusc.get_sample_data_path(lidar_token), np.float32).reshape(-1, 5)[:, :3]
    chain = np.eye(4)
    for record in (lidar, camera):
        sensor2ego = matrix(nusc.get('calibrated_sensor', record['calibrated_sensor_token']))
        sensor2global = matrix(nusc.get('ego_pose', record['ego_pose_token'])) @ sensor2ego
        chain = sensor2global if record is lidar else np.linalg.inv(sensor2global) @ chain
    cam2img = np.array(nusc.get('calibrated_sensor', camera['calibrated_sensor_token'])['camera_intrinsic'])
    local = points @ chain[:3, :3].T + chain[:3, 3]
    u, v, _ = ((local / local[:, 2:]) @ cam2img.T).T
    keep = (local[:, 2] > 1) & (u > 1) & (u < camera['width'] - 1) & (v > 1) & (v < camera['height'] - 1)
    labels = np.fromfile(f'{nusc.dataroot}/{nusc.get("lidarseg", lidar_token)["filename"]}', np.uint8)
    return (
        np.stack([u, v])[:, keep],
        local[keep, 2],
        labels[keep] >= nusc.lidarseg_name2idx_mapping['flat.driveable_surface'],
    )


@pytest.mark.parametrize('camera', CAMERAS)
def test_devkit_projection_agrees_with_the_rendered_depth(nusc, minidrive_root, camera):
    for sample in nusc.sample[::4]:
        token = sample['data']['LIDAR_TOP']
        pixels, depths, image = nusc.explorer.map_pointcloud_to_image(token, sample['data'][camera])
        # The devkit drops labels, so the same points are found again among those of things that cannot have moved.
        own_pixels, own_depths, static = mapped(nusc, token, sample['data'][camera])
        np.testing.assert_allclose(pixels[:2], own_pixels, atol=0.01)
        np.testing.assert_allclose(depths, own_depths, atol=1e-3)
        truth = camera_depth(minidrive_root, sample['token'], camera)
        assert truth.shape == image.size[::-1] == (225, 400)
        u, v = np.round(pixels[:2]).astype(int)
        inside = static & (u >= 0) & (v >= 0) & (u < 400) & (v < 225)
        error = (truth[v[inside], u[inside]] - depths[inside]) / depths[inside]
        assert inside.sum() > 300
        assert np.median(np.abs(error)) < 0.01  # 2 cm noise, and slanted ground under one pixel
        assert (np.abs(error) < 0.05).mean() > 0.55  # the LiDAR looks over things that hide the rest from the camera,
        assert (error > 0.05).mean() < 0.05  # so what the camera sees there is nearer


def test_static_chain_would_not_agree(nusc):
    """Cameras fire at their own time: ignoring the two ego poses moves points by decimetres in a moving car."""
    shifts = []
    for sample in nusc.sample:
        poses = [
            matrix(nusc.get('ego_pose', nusc.get('sample_data', sample['data'][channel])['ego_pose_token']))
            for channel in ('LIDAR_TOP', 'CAM_FRONT_LEFT')
        ]
        shifts.append(np.linalg.norm(poses[0][:3, 3] - poses[1][:3, 3]))
    assert 0.1 < max(shifts) < 1.0


def test_lidar_scan_is_like_the_real_one(nusc):
    for sample in nusc.sample:
        points, _, _ = lidar_points(nusc, sample)
        assert 10_000 < len(points) < 34_560
        assert np.isfinite(points).all()
        assert points[:, 3].min() >= 0
        assert points[:, 3].max() <= 255
        ring = np.unique(points[:, 4])
        assert ring[0] == 0
        assert 24 < len(ring) <= 32
        elevation = np.rad2deg(np.arctan2(points[:, 2], np.linalg.norm(points[:, :2], axis=1)))
        np.testing.assert_allclose(elevation, -30 + points[:, 4] * 40 / 31, atol=1e-3)


def test_lidar_chain_runs_through_sweeps_and_keyframes(nusc):
    for scene in nusc.scene:
        first = nusc.get('sample_data', nusc.get('sample', scene['first_sample_token'])['data']['LIDAR_TOP'])
        while first['prev']:
            first = nusc.get('sample_data', first['prev'])
        stamps, keys, data = [], [], first
        while True:
            stamps.append(data['timestamp'])
            keys.append(data['is_key_frame'])
            if not data['next']:
                break
            data = nusc.get('sample_data', data['next'])
        assert keys == [False, False, True] * 2
        np.testing.assert_array_equal(np.diff(stamps), [50_000, 50_000, 400_000, 50_000, 50_000])


def test_boxes_hold_their_points_and_points_carry_the_class_of_their_box(nusc):
    same = total = 0
    for sample in nusc.sample:
        points, ego, ego2global = lidar_points(nusc, sample)
        world = ego @ ego2global[:3, :3].T + ego2global[:3, 3]
        labels = np.fromfile(
            f'{nusc.dataroot}/{nusc.get("lidarseg", sample["data"]["LIDAR_TOP"])["filename"]}', np.uint8
        )
        assert len(labels) == len(points)
        for token in sample['anns']:
            annotation = nusc.get('sample_annotation', token)
            box = np.linalg.inv(matrix(annotation))
            local = world @ box[:3, :3].T + box[:3, 3]
            width, length, height = annotation['size']
            inside = (np.abs(local) <= np.array([length, width, height]) / 2).all(axis=1)
            assert abs(inside.sum() - annotation['num_lidar_pts']) <= 2
            above_ground = inside & (local[:, 2] > 0.12 - height / 2)
            same += (labels[above_ground] == nusc.lidarseg_name2idx_mapping[annotation['category_name']]).sum()
            total += above_ground.sum()
    assert total > 2000
    assert same / total > 0.95


def test_pixels_of_a_box_see_its_segment(nusc, minidrive_root):
    """The image shows an object where its box projects to: the depth there lies inside the box."""
    checked = 0
    for sample in nusc.sample:
        for camera in ('CAM_FRONT', 'CAM_BACK'):
            _, boxes, cam2img = nusc.get_sample_data(sample['data'][camera])
            depth = camera_depth(minidrive_root, sample['token'], camera)
            for box in boxes:
                annotation = nusc.get('sample_annotation', box.token)
                if annotation['visibility_token'] != '4' or 'car' not in box.name or box.center[2] > 25:
                    continue
                u, v = np.round(view_points(box.center[:, None], cam2img, True)[:2, 0]).astype(int)
                if 0 <= u < 400 and 0 <= v < 225:
                    reach = np.linalg.norm(box.wlh) / 2 + 1.5
                    assert abs(depth[v, u] - box.center[2]) < reach
                    checked += 1
    assert checked > 3


def test_velocities_follow_from_the_annotation_chain(nusc):
    speeds = {'vehicle.moving': [], 'vehicle.parked': []}
    for annotation in nusc.sample_annotation:
        names = [nusc.get('attribute', token)['name'] for token in annotation['attribute_tokens']]
        if names and names[0] in speeds:
            speeds[names[0]].append(np.linalg.norm(nusc.box_velocity(annotation['token'])))
    assert min(speeds['vehicle.moving']) > 0.25
    assert max(speeds['vehicle.parked']) < 1e-6
    assert max(speeds['vehicle.moving']) < 20


def test_ego_poses_are_three_dimensional_and_rigs_differ_between_scenes(nusc):
    rotations = np.array([Quaternion(row['rotation']).rotation_matrix for row in nusc.ego_pose])
    assert np.rad2deg(np.abs(rotations[:, 2, 0])).max() > 1.0  # pitch
    assert np.rad2deg(np.abs(rotations[:, 2, 1])).max() > 1.0  # roll
    rows = [row for row in nusc.calibrated_sensor if row['camera_intrinsic']]
    names = {row['token']: row['channel'] for row in nusc.sensor}
    front = [row for row in rows if names[row['sensor_token']] == 'CAM_FRONT']
    focal = np.array([row['camera_intrinsic'][0][0] for row in front])
    height = np.array([row['translation'][2] for row in front])
    assert np.ptp(focal) / focal.mean() > 0.05
    assert np.ptp(height) > 0.1


def test_images_and_segments_fit(nusc, minidrive_root):
    for row in nusc.sample_data:
        if row['channel'] == 'LIDAR_TOP' or 'scene-0001' not in nusc.get_sample_data_path(row['token']).replace(
            'minidrive-', 'scene-'
        ):
            continue
        image = cv2.imread(nusc.get_sample_data_path(row['token']))
        segments = cv2.imread(f'{minidrive_root}/segments/{row["token"]}.png', cv2.IMREAD_UNCHANGED)
        assert image.shape == (row['height'], row['width'], 3)
        assert segments.shape == image.shape[:2]
        assert segments.dtype == np.uint16
        assert image.std() > 15
        ids = np.unique(segments)
        assert len(ids) > 8
        assert ids[-1] == len(ids) - (ids[0] == 0)  # numbered without gaps
        sky = camera_depth(minidrive_root, row['sample_token'], row['channel']) == 0
        assert (segments[sky] == 0).all()
        assert (segments[~sky] > 0).mean() > 0.95


def test_map_mask_is_white_under_the_ego_car(nusc):
    for scene in nusc.scene:
        record = nusc.get('map', nusc.get('log', scene['log_token'])['map_token'])
        sample = nusc.get('sample', scene['first_sample_token'])
        x, y, _ = nusc.get('ego_pose', sample['data']['LIDAR_TOP'])['translation']
        mask = record['mask']
        assert mask.is_on_mask(np.array([x]), np.array([y]))[0]
