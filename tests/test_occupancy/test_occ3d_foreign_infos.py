"""Info files of BEVDet and mmdet3d, and the LiDAR sweeps that they name."""

import pickle

import numpy as np

from projects.occ_eval.foreign_infos import convert_bevdet_info
from projects.occupancy.datasets import Occ3DNuScenesDataset


def build(root, split='train', **kwargs):
    return Occ3DNuScenesDataset(f'occ3d-nus_infos_{split}.pkl', data_root=str(root), **kwargs)


def test_bevdet_info_gives_the_same_sample(nuscenes_root, tmp_path):
    dataset = build(nuscenes_root, modality={'use_lidar': True})
    item = dataset.load_data_list()[0]

    def inverse(matrix):
        return np.linalg.inv(np.asarray(matrix))

    cams = {}
    for name, image in item['images'].items():
        cam2lidar, cam2ego = inverse(image['lidar2cam']), np.asarray(image['cam2ego'])
        cams[name] = {
            'data_path': f'./data/nuscenes/samples/{name}/{image["img_path"]}',
            'sample_data_token': image['sample_data_token'],
            'timestamp': image['timestamp'] * 1e6,
            'cam_intrinsic': np.asarray(image['cam2img']),
            'sensor2lidar_rotation': cam2lidar[:3, :3],
            'sensor2lidar_translation': cam2lidar[:3, 3],
            'sensor2ego_rotation': cam2ego[:3, :3],
            'sensor2ego_translation': cam2ego[:3, 3],
            'ego2global_rotation': [1.0, 0, 0, 0],
            'ego2global_translation': [0.0, 0, 0],
        }
    half = np.sqrt(0.5)
    bevdet = {
        'token': item['token'],
        'timestamp': item['timestamp'] * 1e6,
        'cams': cams,
        'lidar_path': f'./data/nuscenes/samples/LIDAR_TOP/{item["lidar_points"]["lidar_path"]}',
        'lidar2ego_rotation': [half, 0, 0, -half],
        'lidar2ego_translation': [1.0, 0, 1.8],
        'ego2global_rotation': [1.0, 0, 0, 0],
        'ego2global_translation': [0.0, 0, 0],
        'scene_name': item['scene_name'],
        'scene_token': item['scene_token'],
        'occ_path': './data/nuscenes/' + item['occ_path'].rsplit('/', 1)[0],
    }
    assert convert_bevdet_info(bevdet)['occ_path'] == item['occ_path']
    path = tmp_path / 'bevdetv2.pkl'
    path.write_bytes(pickle.dumps({'infos': [bevdet], 'metadata': {}}))
    other = Occ3DNuScenesDataset(str(path), data_root=str(nuscenes_root), modality={'use_lidar': True})
    got, expected = other.get_data_info(0), dataset.get_data_info(0)
    for key in ('img_paths', 'occ_path', 'lidar_path', 'scene_name'):
        assert got[key] == expected[key]
    for key in ('cam2ego', 'cam2img', 'lidar2ego'):
        np.testing.assert_allclose(got[key], expected[key], atol=1e-9)


def as_bevdet(item):
    """An item of ours in the old format, as far as LiDAR is concerned; identities elsewhere."""
    identity = {'rotation': [1.0, 0, 0, 0], 'translation': [0.0, 0, 0]}

    def frame(name):
        return {f'{name}_{key}': value for key, value in identity.items()}

    def sensor2lidar(matrix):
        matrix = np.asarray(matrix)
        return {'sensor2lidar_rotation': matrix[:3, :3], 'sensor2lidar_translation': matrix[:3, 3]}

    cams = {
        name: {
            'data_path': image['img_path'],
            'sample_data_token': image['sample_data_token'],
            'timestamp': image['timestamp'] * 1e6,
            'cam_intrinsic': image['cam2img'],
            **frame('sensor2ego'),
            **frame('ego2global'),
            **sensor2lidar(np.eye(4)),
        }
        for name, image in item['images'].items()
    }
    sweeps = [
        {
            'data_path': f'./data/nuscenes/{sweep["lidar_points"]["lidar_path"]}',
            'timestamp': round(sweep['timestamp'] * 1e6),
            **sensor2lidar(sweep['sweep2key']),
        }
        for sweep in item['lidar_sweeps']
    ]
    return {
        'token': item['token'],
        'timestamp': round(item['timestamp'] * 1e6),
        'cams': cams,
        'lidar_path': f'./data/nuscenes/samples/LIDAR_TOP/{item["lidar_points"]["lidar_path"]}',
        'sweeps': sweeps,
        **frame('lidar2ego'),
        **frame('ego2global'),
    }


def lidar_dataset(root, ann_file):
    pipeline = [{'type': 'LoadLidarPoints'}, {'type': 'LoadLidarSweeps', 'num_sweeps': 9, 'test_mode': True}]
    modality = {'use_camera': False, 'use_lidar': True}
    return Occ3DNuScenesDataset(str(ann_file), str(root), modality=modality, pipeline=pipeline, test_mode=True)


def test_sweeps_of_bevdet_and_mmdet3d_files_give_the_points_of_our_own(nuscenes_root, tmp_path):
    ours = lidar_dataset(nuscenes_root, 'occ3d-nus_infos_train.pkl')
    items = ours.load_data_list()
    sweep_files = [[sweep['lidar_points']['lidar_path'] for sweep in item['lidar_sweeps']] for item in items]
    assert [len(files) for files in sweep_files] == [0, 2, 4]
    (tmp_path / 'bevdet.pkl').write_bytes(pickle.dumps({'infos': [as_bevdet(item) for item in items]}))
    for sweep in (sweep for item in items for sweep in item['lidar_sweeps']):
        sweep['lidar_points']['lidar2sensor'] = np.linalg.inv(sweep.pop('sweep2key')).tolist()
    (tmp_path / 'mmdet3d.pkl').write_bytes(pickle.dumps({'data_list': items}))
    bevdet, mmdet3d = (lidar_dataset(nuscenes_root, tmp_path / f'{name}.pkl') for name in ('bevdet', 'mmdet3d'))
    for index, files in enumerate(sweep_files):
        expected = ours[index]['points']
        # All 300 points of the keyframe, and those of the sweeps that are not within 1 m of the sensor in x and y.
        clouds = [np.fromfile(nuscenes_root / path, np.float32).reshape(-1, 5) for path in files]
        assert len(expected) == 300 + sum(int((np.abs(cloud[:, :2]).max(axis=1) >= 1).sum()) for cloud in clouds)
        np.testing.assert_allclose(bevdet[index]['points'], expected, atol=1e-5)
        np.testing.assert_allclose(mmdet3d[index]['points'], expected, atol=1e-5)


def test_sweeps_are_expected_of_all_but_the_first_sample_of_a_scene(own_root, edit_infos):
    path = own_root / 'occ3d-nus_infos_train.pkl'

    def expected():
        dataset = lidar_dataset(own_root, path)
        return [dataset.get_data_info(index)['sweeps_expected'] for index in range(3)]

    assert expected() == [False, True, True]
    edit_infos(path, lambda item: item.pop('prev'))
    assert expected() == [False] * 3  # which ones are the first is not known, and some samples have sweeps
    edit_infos(path, lambda item: item['lidar_sweeps'].clear())
    assert expected() == [True] * 3
