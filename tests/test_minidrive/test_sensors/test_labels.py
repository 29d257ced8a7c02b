import numpy as np
import pytest
from nuscenes.utils.splits import get_scenes_of_split
from pyquaternion import Quaternion

from projects.minidrive.shapes.taxonomy import CATEGORY_INDEX, LIDARSEG_TO_OCC
from projects.occ_eval.classes import OCC3D_CLASSES

GRID_MIN, SIZE, FREE = np.array([-40.0, -40.0, -1.0]), 0.4, 17
# Map of the lidarseg benchmark, as listed in the devkit's documentation; 0 is "ignore" there and "others" in Occ3D.
OFFICIAL = {1: [9], 2: [14], 3: [15, 16], 4: [17], 5: [18], 6: [21], 7: [2, 3, 4, 6], 8: [12], 9: [22], 10: [23],
            11: [24], 12: [25], 13: [26], 14: [27], 15: [28], 16: [30]}  # fmt: skip


def matrix(record):
    out = np.eye(4)
    out[:3, :3] = Quaternion(record['rotation']).rotation_matrix
    out[:3, 3] = record['translation']
    return out


def load(nusc, sample):
    name = nusc.get('scene', sample['scene_token'])['name']
    return dict(np.load(f'{nusc.dataroot}/gts/{name}/{sample["token"]}/labels.npz'))


def sensor(nusc, token):
    data = nusc.get('sample_data', token)
    calibration = nusc.get('calibrated_sensor', data['calibrated_sensor_token'])
    return (
        matrix(calibration),
        matrix(nusc.get('ego_pose', data['ego_pose_token'])),
        np.array(calibration['camera_intrinsic']),
    )


def test_category_map_is_the_official_one():
    expected = np.zeros(32, int)
    for occ, indices in OFFICIAL.items():
        expected[indices] = occ
    np.testing.assert_array_equal(LIDARSEG_TO_OCC, expected)


def test_arrays_have_the_shape_type_and_statistics_of_the_real_label(nusc):
    occupied, lidar, camera = [], [], []
    for sample in nusc.sample:
        label = load(nusc, sample)
        assert sorted(label) == ['mask_camera', 'mask_lidar', 'semantics']
        for array in label.values():
            assert array.shape == (200, 200, 16)
            assert array.dtype == np.uint8
        assert label['semantics'].max() == FREE
        assert label['mask_lidar'].max() == label['mask_camera'].max() == 1
        assert (label['mask_camera'] <= label['mask_lidar']).all()
        occupied.append((label['semantics'] != FREE).mean())
        lidar.append(label['mask_lidar'].mean())
        camera.append(label['mask_camera'].mean())
    assert 0.02 < np.mean(occupied) < 0.08  # two real labels: 0.049 and 0.061
    assert 0.08 < np.mean(lidar) < 0.30  # 0.088 and 0.168
    assert 0.06 < np.mean(camera) < 0.25  # 0.068 and 0.157


@pytest.mark.parametrize('split', ['minidrive_train', 'minidrive_val'])
def test_every_class_is_seen_by_the_cameras_of_both_splits(nusc, split):
    names, seen = get_scenes_of_split(split, nusc), np.zeros(18, int)
    for sample in nusc.sample:
        if nusc.get('scene', sample['scene_token'])['name'] in names:
            label = load(nusc, sample)
            seen += np.bincount(label['semantics'][label['mask_camera'] > 0], minlength=18)
    assert (seen > 3).all(), {name: int(count) for name, count in zip(OCC3D_CLASSES, seen)}


def test_ground_is_one_layer_near_height_zero(nusc):
    for sample in nusc.sample:
        semantics = load(nusc, sample)['semantics'][90:110, 90:110]
        flat = (semantics >= 11) & (semantics <= 14)
        assert flat[..., 1:4].sum() == flat.sum()
        columns = flat.any(axis=2)
        assert columns.mean() > 0.6
        assert flat.sum() / columns.sum() < 1.3


def test_lidar_points_fall_into_observed_voxels_of_their_class(nusc):
    for sample in nusc.sample:
        lidar2ego, _, _ = sensor(nusc, sample['data']['LIDAR_TOP'])
        points = np.fromfile(nusc.get_sample_data_path(sample['data']['LIDAR_TOP']), np.float32).reshape(-1, 5)
        labels = np.fromfile(
            f'{nusc.dataroot}/{nusc.get("lidarseg", sample["data"]["LIDAR_TOP"])["filename"]}', np.uint8
        )
        voxel = np.floor((points[:, :3] @ lidar2ego[:3, :3].T + lidar2ego[:3, 3] - GRID_MIN) / SIZE).astype(int)
        inside = ((voxel >= 0) & (voxel < [200, 200, 16])).all(axis=1)
        label, index = load(nusc, sample), tuple(voxel[inside].T)
        assert label['mask_lidar'][index].all()
        assert (label['semantics'][index] != FREE).mean() > 0.97
        assert (label['semantics'][index] == LIDARSEG_TO_OCC[labels[inside]]).mean() > 0.9


def test_agent_voxels_lie_in_a_box_of_their_class(nusc):
    for sample in nusc.sample:
        semantics = load(nusc, sample)['semantics']
        _, ego2global, _ = sensor(nusc, sample['data']['LIDAR_TOP'])
        index = np.argwhere(semantics <= 10)
        centres = (index + 0.5) * SIZE + GRID_MIN
        explained = np.zeros(len(index), bool)
        for token in sample['anns']:
            annotation = nusc.get('sample_annotation', token)
            width, length, height = annotation['size']
            box = np.linalg.inv(matrix(annotation)) @ ego2global
            local = centres @ box[:3, :3].T + box[:3, 3]
            near = (np.abs(local) < np.array([length, width, height]) / 2 + SIZE * np.sqrt(3) / 2).all(axis=1)
            explained |= near & (
                semantics[tuple(index.T)] == LIDARSEG_TO_OCC[CATEGORY_INDEX[annotation['category_name']]]
            )
        assert explained.all()


def first_hits(origin, directions, semantics):
    """Slow oracle: voxels within 4 mm steps up to the first occupied one."""
    out = set()
    for direction in directions:
        steps = origin + np.arange(0.0, 60.0, 0.004)[:, None] * direction / np.linalg.norm(direction)
        voxel = np.floor((steps - GRID_MIN) / SIZE).astype(int)
        voxel = voxel[((voxel >= 0) & (voxel < [200, 200, 16])).all(axis=1)]
        hit = np.flatnonzero(semantics[tuple(voxel.T)] != FREE)
        out |= set(map(tuple, voxel[: hit[0] + 1] if len(hit) else voxel))
    return out


@pytest.mark.parametrize('camera', ['CAM_FRONT', 'CAM_BACK_LEFT'])
def test_camera_mask_holds_what_pixel_rays_see(nusc, camera):
    sample = nusc.sample[3]
    label = load(nusc, sample)
    _, ego2global, _ = sensor(nusc, sample['data']['LIDAR_TOP'])
    cam2ego, own2global, cam2img = sensor(nusc, sample['data'][camera])
    cam2key = np.linalg.inv(ego2global) @ own2global @ cam2ego
    pixels = np.array([(u, v, 1.0) for u in range(20, 400, 60) for v in range(20, 225, 40)])
    directions = pixels @ np.linalg.inv(cam2img).T @ cam2key[:3, :3].T
    seen = np.array(sorted(first_hits(cam2key[:3, 3], directions, label['semantics'])))
    observed = label['mask_lidar'][tuple(seen.T)] > 0
    assert observed.sum() > 300
    assert (label['mask_camera'][tuple(seen[observed].T)] > 0).mean() > 0.98  # grazed corners differ


def test_voxels_behind_a_wall_are_not_seen_by_any_camera(nusc):
    """Voxels of mask_camera are reachable: the segment from some camera to their centre has few occupied voxels."""
    sample = nusc.sample[0]
    label = load(nusc, sample)
    _, ego2global, _ = sensor(nusc, sample['data']['LIDAR_TOP'])
    index = np.argwhere(label['mask_camera'] > 0)[::997]
    origins = []
    for channel, token in sample['data'].items():
        if channel != 'LIDAR_TOP':
            cam2ego, own2global, _ = sensor(nusc, token)
            origins.append((np.linalg.inv(ego2global) @ own2global @ cam2ego)[:3, 3])
    blocked = 0
    for voxel in index:
        centre = (voxel + 0.5) * SIZE + GRID_MIN
        free = []
        for origin in origins:
            line = origin + np.linspace(0, 1, 400)[:, None] * (centre - origin)
            cells = np.floor((line - GRID_MIN) / SIZE).astype(int)
            cells = cells[(np.abs(cells - voxel).max(axis=1) > 1)]
            free.append((label['semantics'][tuple(cells.T)] == FREE).all())
        blocked += not any(free)
    assert blocked / len(index) < 0.1
