"""Origins of RayIoU by hand and against the published selection."""

import json

import numpy as np
import pytest

from projects.occ_eval import read_origins, scene_origins, select_origins


def pose(x, y, z, yaw=0.0):
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    matrix[:3, 3] = x, y, z
    return matrix


def info(token, time, ego2global, scene='s'):
    return {
        'token': token,
        'timestamp': time,
        'scene_token': scene,
        'ego2global': ego2global.tolist(),
        'lidar_points': {'lidar2ego': pose(0.9, 0, 1.8, -np.pi / 2).tolist()},
    }


def test_origins_are_the_lidar_positions_of_the_scene_in_the_current_ego_frame():
    # The second ego stands 10 m ahead and has turned left by 90 degrees: seen from it, the first one's LiDAR, which is
    # 9.1 m behind along global x, lies to the left (+y) of it by 9.1 m.
    infos = [
        info('b', 2, pose(110, 50, 0, np.pi / 2)),
        info('a', 1, pose(100, 50, 0)),
        info('c', 3, pose(0, 0, 0), 'u'),
    ]
    origins = scene_origins(infos)
    np.testing.assert_allclose(origins['a'], [[0.9, 0, 1.8], [10, 0.9, 1.8]], atol=1e-5)
    np.testing.assert_allclose(origins['b'], [[0, 9.1, 1.8], [0.9, 0, 1.8]], atol=1e-5)
    np.testing.assert_allclose(origins['c'], [[0.9, 0, 1.8]])
    assert origins['a'].dtype == np.float64


def test_positions_of_other_frames_are_rounded_to_float32_in_the_lidar_frame():
    infos = [info('a', 1, pose(600.1, 1600.7, 0, 0.3)), info('b', 2, pose(603.4, 1602.9, 0, 0.35))]
    to_ego = np.array(infos[0]['lidar_points']['lidar2ego'])
    lidar = [np.array(i['ego2global']) @ np.array(i['lidar_points']['lidar2ego']) for i in infos]
    in_lidar = np.linalg.inv(lidar[0]).dot(lidar[1])[:3, 3].astype(np.float32)
    expected = np.dot(to_ego[:3], np.append(in_lidar.astype(np.float64), 1.0))
    np.testing.assert_allclose(scene_origins(infos)['a'][1], expected, rtol=0, atol=5e-7)


def test_at_most_eight_origins_within_39_metres_are_kept():
    line = np.stack([np.arange(-50.0, 51.0), np.zeros(101), np.zeros(101)], 1)
    chosen = select_origins(line)[:, 0]
    # 77 positions, -38 .. 38; round(linspace(0, 76, 8)) = 0 11 22 33 43 54 65 76.
    assert chosen.tolist() == [-38, -27, -16, -5, 5, 16, 27, 38]
    assert len(select_origins(line[48:53])) == 5


def test_infos_without_scenes_are_refused():
    item = info('a', 1, pose(0, 0, 0))
    item['scene_token'] = ''
    with pytest.raises(ValueError, match='sample a of the info file has no scene_name'):
        scene_origins([item])


def test_a_sample_without_the_scene_that_others_have_is_refused_and_not_taken_for_a_scene_of_its_own():
    items = [info('a', 1, pose(0, 0, 0)), {**info('b', 2, pose(5, 0, 0)), 'scene_token': None, 'scene_name': 's'}]
    with pytest.raises(ValueError, match=r'sample b of x\.pkl has no scene_token'):
        scene_origins(items, 'x.pkl')


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('ego2global', np.full((4, 4), np.nan).tolist(), r'ego2global of sample b in x\.pkl holds NaN'),
        ('ego2global', np.diag([3.0, 3, 3, 1]).tolist(), r'ego2global of sample b in x\.pkl .* scaled'),
        ('ego2global', [[1.0]], r'ego2global of sample b in x\.pkl must be numbers of shape \(4, 4\)'),
        ('ego2global', 'x', r'ego2global of sample b in x\.pkl must be numbers'),
        ('lidar_points', {}, r'lidar_points\.lidar2ego of sample b in x\.pkl must be numbers'),
        ('lidar_points', {'lidar2ego': np.zeros((4, 4))}, r'lidar2ego of sample b in x\.pkl .* scaled'),
    ],
)
def test_poses_that_are_none_are_refused_with_file_sample_and_key(key, value, message):
    with pytest.raises(ValueError, match=message):
        scene_origins([info('a', 1, pose(0, 0, 0)), {**info('b', 2, pose(5, 0, 0)), key: value}], 'x.pkl')


def test_origin_files_are_read_and_checked(tmp_path):
    path = tmp_path / 'origins.json'
    path.write_text(json.dumps({'a': [[1, 2, 3.5]]}))
    np.testing.assert_array_equal(read_origins(path)['a'], [[1, 2, 3.5]])
    for text in (
        '{',
        '[1]',
        '[' * 100_000,
        '{"a": [[1e300, 2, 3]]}',
        '{"a": [[1, 2]]}',
        '{"a": [[1, 2, "x"]]}',
        '{"a": []}',
        '{"a": [[1, 2, NaN]]}',
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=r'must hold \{token'):
            read_origins(path)
    with pytest.raises(FileNotFoundError, match='none'):
        read_origins(tmp_path / 'none.json')
