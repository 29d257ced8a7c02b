import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_nuscenes import FAKE_CAMERAS, FAKE_SPEED
from mmdet3d.registry import DATASETS
from mmengine.config import Config

from projects.occ_eval.foreign_infos import convert_bevdet_info
from projects.occupancy.classes import OCC3D
from projects.occupancy.datasets import Occ3DNuScenesDataset
from projects.occupancy.datasets.transforms import project_points

ORDER = ['CAM_FRONT_LEFT', 'CAM_FRONT', 'CAM_FRONT_RIGHT', 'CAM_BACK_LEFT', 'CAM_BACK', 'CAM_BACK_RIGHT']


@pytest.fixture(scope='module')
def config(repo):
    return Config.fromfile(repo / 'configs/_base_/datasets/minidrive-occ.py')


def build(root, split='train', **kwargs):
    return Occ3DNuScenesDataset(f'occ3d-nus_infos_{split}.pkl', data_root=str(root), **kwargs)


def build_pipeline(config, root, pipeline, modality, split='train'):
    cfg = config[f'{split}_dataloader'].dataset.copy()
    cfg.update(data_root=str(root), pipeline=config[pipeline], modality=config[modality])
    return DATASETS.build(cfg)


def test_cameras_come_in_the_order_of_the_contract(nuscenes_root):
    info = build(nuscenes_root).get_data_info(0)
    assert list(info['cam_names']) == ORDER
    assert [path.split('__')[1] for path in info['img_paths']] == ORDER


@pytest.mark.parametrize('change', ['fewer', 'more'])
def test_a_rig_of_other_cameras_is_refused_with_the_names_of_both_and_read_by_a_subclass(
    nuscenes_root, tmp_path, change
):
    content = pickle.loads((nuscenes_root / 'occ3d-nus_infos_train.pkl').read_bytes())
    cameras = ORDER[:3] if change == 'fewer' else [*ORDER, 'CAM_LEFT', 'CAM_RIGHT']
    for item in content['data_list']:
        item['images'] = {name: item['images'].get(name, item['images']['CAM_FRONT']) for name in cameras}
    (tmp_path / 'rig.pkl').write_bytes(pickle.dumps(content))
    dataset = Occ3DNuScenesDataset(str(tmp_path / 'rig.pkl'), data_root=str(nuscenes_root))
    with pytest.raises(ValueError, match=r"has the cameras \['CAM_.*but Occ3DNuScenesDataset reads .* METAINFO"):
        dataset.get_data_info(0)

    class OtherRig(Occ3DNuScenesDataset):
        METAINFO = replace(OCC3D, cameras=tuple(cameras)).as_metainfo()

    info = OtherRig(str(tmp_path / 'rig.pkl'), data_root=str(nuscenes_root)).get_data_info(0)
    assert list(info['cam_names']) == cameras
    assert info['cam2img'].shape == (len(cameras), 3, 3)
    assert len(info['img_paths']) == len(cameras)


def test_camera_is_placed_by_its_own_ego_pose(nuscenes_root):
    info = build(nuscenes_root).get_data_info(1)
    for cam2ego, name in zip(info['cam2ego'], ORDER):
        angle, delay = FAKE_CAMERAS[name]
        # The car moves along x: a camera that fires later stands farther ahead in the key ego frame.
        np.testing.assert_allclose(cam2ego[:3, 3], [1.5 + FAKE_SPEED * delay / 1000, 0, 1.5], atol=1e-6)
        heading = np.deg2rad(angle)
        np.testing.assert_allclose(cam2ego[:3, 2], [np.cos(heading), np.sin(heading), 0], atol=1e-9)


def test_scene_names_neighbours_and_the_subset_option_are_kept(nuscenes_root):
    dataset = build(nuscenes_root)
    infos = [dataset.get_data_info(i) for i in range(3)]
    assert [info['scene_name'] for info in infos] == ['scene-9001'] * 3
    assert infos[1]['prev'] == infos[0]['token']
    assert infos[1]['next'] == infos[2]['token']
    assert infos[0]['prev'] == infos[2]['next'] == ''
    assert len(build(nuscenes_root, indices=2)) == 2
    assert build(nuscenes_root, indices=[2]).get_data_info(0)['token'] == infos[2]['token']
    assert dataset.metainfo['classes'][dataset.metainfo['free_class']] == 'free'


def test_former_frame_comes_with_the_pose_that_leads_from_it_to_the_sample(own_root, edit_infos):
    """The car of the fake data drives 5 m along x between keyframes; the second sample has turned left by 90 degrees.

    Five metres behind along the global x axis is then five metres to the left: ahead of the car is y, behind it -y.
    """
    path = own_root / 'occ3d-nus_infos_train.pkl'
    tokens = [info['token'] for info in build(own_root).load_data_list()]

    def turn(item):
        if item['token'] == tokens[1]:
            pose = np.array(item['ego2global'])
            pose[:2, :2] = [[0, -1], [1, 0]]
            item['ego2global'] = pose.tolist()

    straight = build(own_root).previous(1)
    assert straight['token'] == tokens[0]
    np.testing.assert_allclose(straight['ego2key'] @ [0, 0, 0, 1], [-5, 0, 0, 1], atol=1e-6)
    edit_infos(path, turn)
    dataset = build(own_root)
    former = dataset.previous(1)
    np.testing.assert_allclose(former['ego2key'] @ [0, 0, 0, 1], [0, 5, 0, 1], atol=1e-6)
    np.testing.assert_allclose(former['ego2key'] @ [1, 0, 0, 1], [0, 4, 0, 1], atol=1e-6)
    assert former['img_paths'] == dataset.get_data_info(0)['img_paths']
    assert dataset.previous(0) is None
    assert [dataset.frame_of(token)['sample_idx'] for token in tokens] == [0, 1, 2]


def test_a_data_set_that_adds_the_former_frame_does_not_read_the_whole_scene(nuscenes_root):
    class WithFormer(Occ3DNuScenesDataset):
        def get_data_info(self, idx):
            return {**super().get_data_info(idx), 'former': self.previous(idx)}

    dataset = WithFormer('occ3d-nus_infos_train.pkl', data_root=str(nuscenes_root))
    assert dataset.get_data_info(2)['former']['token'] == dataset.get_data_info(1)['token']
    assert 'former' not in dataset.get_data_info(2)['former']


def test_a_former_frame_that_is_not_known_is_named(own_root, edit_infos):
    dataset = build(own_root)
    tokens = [dataset.frame(index)['token'] for index in range(3)]
    with pytest.raises(KeyError, match=r'sample nobody is not in .*infos_train\.pkl, or not among the 3 samples'):
        dataset.frame_of('nobody')
    message = rf'the sample before {tokens[2]} is missing: sample {tokens[1]} is not in .*or not among the 1 samples'
    with pytest.raises(KeyError, match=message):
        build(own_root, indices=[2]).previous(0)
    dataset.get_subset_([2])
    with pytest.raises(KeyError, match=message):
        dataset.previous(0)
    edit_infos(own_root / 'occ3d-nus_infos_train.pkl', lambda item: item.pop('prev'))
    with pytest.raises(KeyError, match=rf'info of sample {tokens[1]} in .*infos_train\.pkl does not say .*create_data'):
        build(own_root).previous(1)


@pytest.mark.parametrize(
    ('pipeline', 'modality', 'has_imgs', 'has_points', 'fields'),
    [
        ('train_pipeline', 'fusion_modality', True, False, {'gt_depth'}),
        ('test_pipeline', 'camera_modality', True, False, set()),
        ('fusion_train_pipeline', 'fusion_modality', True, True, {'gt_depth'}),
        ('fusion_test_pipeline', 'fusion_modality', True, True, set()),
        ('lidar_train_pipeline', 'lidar_modality', False, True, set()),
        ('lidar_test_pipeline', 'lidar_modality', False, True, set()),
        ('distill_train_pipeline', 'fusion_modality', True, True, {'gt_depth', 'segments'}),
    ],
)
def test_every_pipeline_packs_what_its_model_needs(
    config, nuscenes_root, pipeline, modality, has_imgs, has_points, fields
):
    packed = build_pipeline(config, nuscenes_root, pipeline, modality)[1]
    inputs, sample = packed['inputs'], packed['data_samples']
    assert ('imgs' in inputs, 'points' in inputs) == (has_imgs, has_points)
    if has_imgs:
        assert inputs['imgs'].shape == (6, 3, *config.input_size)
        assert inputs['imgs'].dtype == torch.uint8
    assert inputs['cam2ego'].shape == (6, 4, 4)
    assert {value.dtype for key, value in inputs.items() if key != 'imgs'} == {torch.float32}
    assert set(sample.keys()) == {'gt_occ', 'mask_camera', 'mask_lidar'} | fields
    assert sample.gt_occ.shape == (200, 200, 16)
    if 'segments' in fields:
        assert sample.segments.shape == (6, *config.render_size)
    assert sample.scene_name == 'scene-9001'


def test_camera_only_testing_reads_no_lidar_file(config, own_root):
    shutil.rmtree(own_root / 'samples/LIDAR_TOP')
    shutil.rmtree(own_root / 'sweeps')
    dataset = build_pipeline(config, own_root, 'test_pipeline', 'camera_modality', split='val')
    assert dataset[0]['inputs']['imgs'].shape[0] == 6
    with pytest.raises(FileNotFoundError, match=r'scene-9002__LIDAR_TOP__0\.pcd\.bin.*config reads LiDAR .*use_lidar'):
        build_pipeline(config, own_root, 'fusion_test_pipeline', 'fusion_modality', split='val')


def test_same_seed_epoch_and_sample_give_the_same_augmentation(config, nuscenes_root):
    dataset = build_pipeline(config, nuscenes_root, 'distill_train_pipeline', 'fusion_modality')
    dataset.epoch_counter.set(3, 0)
    first, again = dataset[1]['inputs'], dataset[1]['inputs']
    assert all(torch.equal(first[key], again[key]) for key in first)
    dataset.epoch_counter.set(3, 1)
    assert not torch.equal(first['img_aug_matrix'], dataset[1]['inputs']['img_aug_matrix'])


@pytest.mark.parametrize(('camera', 'key'), [('CAM_BACK', 'cam2img'), ('CAM_FRONT', 'lidar2cam')])
def test_nan_in_the_calibration_names_token_and_key(own_root, edit_infos, camera, key):
    def damage(item):
        item['images'][camera][key][0][0] = float('nan')

    edit_infos(own_root / 'occ3d-nus_infos_train.pkl', damage)
    dataset = build(own_root)
    token = dataset.load_data_list()[0]['token']
    with pytest.raises(ValueError, match=rf'images\.{camera}\.{key} of sample {token} in .*infos_train\.pkl holds NaN'):
        dataset.get_data_info(0)


def test_camera_pose_without_a_rotation_names_token_and_key(own_root, edit_infos):
    def damage(item):
        item['images']['CAM_BACK']['lidar2cam'] = np.zeros((4, 4)).tolist()

    edit_infos(own_root / 'occ3d-nus_infos_train.pkl', damage)
    with pytest.raises(ValueError, match=r'images\.CAM_BACK\.lidar2cam of sample .* is no rotation'):
        build(own_root).get_data_info(0)


NONE = np.full((4, 4), np.nan).tolist()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda i: i['images']['CAM_BACK'].update(cam2img=np.zeros((3, 3)).tolist()),
            r'images\.CAM_BACK\.cam2img .*focal',
        ),
        (lambda i: i['images']['CAM_BACK'].update(cam2img=[[1.0]]), r'CAM_BACK\.cam2img .*must be numbers of shape'),
        (lambda i: i['images']['CAM_BACK'].update(cam2img=None), r'has no images\.CAM_BACK\.cam2img'),
        (
            lambda i: i['images']['CAM_BACK'].update(img_path=None),
            r'images\.CAM_BACK\.img_path .*must be a path, got None',
        ),
        (lambda i: i['images']['CAM_BACK']['lidar2cam'][3].__setitem__(0, 1.0), r'CAM_BACK\.lidar2cam .*last row'),
        (lambda i: i['images']['CAM_BACK'].update(lidar2cam=np.diag([1.01, 1.01, 1.01, 1])), r'lidar2cam .*scaled'),
        (lambda i: i.update(ego2global=NONE), r'ego2global of sample .*NaN'),
        (lambda i: i.update(occ_path=3), r'occ_path of sample .*must be a path, got 3'),
        (lambda i: i['lidar_points'].update(lidar_path=None), r'lidar_points\.lidar_path .*must be a path'),
        (lambda i: i['lidar_sweeps'][1].update(sweep2key=NONE), r'lidar_sweeps\[1\]\.sweep2key of sample .*NaN'),
        (lambda i: i['lidar_sweeps'][1].pop('sweep2key'), r'has no lidar_sweeps\[1\]\.sweep2key'),
        (lambda i: i['lidar_sweeps'][0].update(timestamp=float('nan')), r'lidar_sweeps\[0\]\.timestamp .*is nan'),
        (lambda i: i['lidar_sweeps'][0].update(timestamp='x'), r"lidar_sweeps\[0\]\.timestamp .*is 'x'"),
        (lambda i: i['lidar_sweeps'].reverse(), r'lidar_sweeps\[1\]\.timestamp .*before the sweep in front of it'),
        (lambda i: i['lidar_sweeps'][0].update(timestamp=i['timestamp'] + 1), r'lidar_sweeps\[0\]\.timestamp .*before'),
        (lambda i: i['lidar_sweeps'][0].update(timestamp=i['timestamp'] * 1e6), r'lidar_sweeps\[0\]\.timestamp'),
    ],
)
def test_wrong_calibration_times_and_paths_name_file_sample_and_key(nuscenes_root, tmp_path, change, message):
    content = pickle.loads((nuscenes_root / 'occ3d-nus_infos_train.pkl').read_bytes())
    item = content['data_list'][1]
    change(item)
    (tmp_path / 'odd.pkl').write_bytes(pickle.dumps(content))
    modality = {'use_camera': True, 'use_lidar': True}
    dataset = Occ3DNuScenesDataset(str(tmp_path / 'odd.pkl'), data_root=str(nuscenes_root), modality=modality)
    dataset.get_data_info(0)
    with pytest.raises((KeyError, ValueError), match=message) as error:
        dataset.get_data_info(1)
    assert 'odd.pkl' in str(error.value)
    assert item['token'] in str(error.value)


def test_first_sample_without_a_lidar_path_is_named_before_a_sample_is_read(own_root, edit_infos):
    edit_infos(own_root / 'occ3d-nus_infos_train.pkl', lambda item: item['lidar_points'].update(lidar_path=None))
    with pytest.raises(
        ValueError, match=r'lidar_points\.lidar_path of sample \w+ in .*infos_train\.pkl must be a path'
    ):
        build(own_root, modality={'use_lidar': True})


def test_missing_calibration_names_token_and_key(own_root, edit_infos):
    edit_infos(own_root / 'occ3d-nus_infos_train.pkl', lambda item: item['lidar_points'].pop('lidar2ego'))
    with pytest.raises(KeyError, match=r'has no lidar_points\.lidar2ego'):
        build(own_root).get_data_info(0)


def test_missing_data_root_and_info_file_say_what_to_run(tmp_path, nuscenes_root):
    with pytest.raises(FileNotFoundError, match=r'data root not found: .*nowhere.*create_minidrive'):
        build(tmp_path / 'nowhere')
    with pytest.raises(FileNotFoundError, match=r'occ3d-nus_infos_other\.pkl.*create_data\.py occ3d-nus --root-path'):
        build(nuscenes_root, 'other')


class Malicious:
    def __reduce__(self):
        return print, ('code was run',)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (pickle.dumps({'data_list': [Malicious()]}), 'refused'),
        (pickle.dumps({'data_list': [{'a': 1}] * 50})[:60], 'truncated|whole'),
        (pickle.dumps({'other': 1}), "expected the key 'data_list'"),
        (pickle.dumps({'data_list': []}), 'holds no samples'),
        (pickle.dumps({'data_list': [{'token': 'abc'}]}), r'sample abc\) lacks .*images.*create_data'),
    ],
)
def test_bad_info_file_is_refused(tmp_path, content, message, capsys):
    path = tmp_path / 'occ3d-nus_infos_train.pkl'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        build(tmp_path)
    assert path.name in str(error.value)
    assert 'code was run' not in capsys.readouterr().out


def test_misspelt_options_are_refused(nuscenes_root):
    with pytest.raises(ValueError, match='use_lidr'):
        build(nuscenes_root, modality={'use_lidr': True})
    with pytest.raises(ValueError, match='CAM_FRNT'):
        build(nuscenes_root, data_prefix={'CAM_FRNT': ''})


def test_missing_label_stops_training_and_not_testing(config, own_root):
    shutil.rmtree(own_root / 'gts')
    with pytest.raises(FileNotFoundError, match=r'sample \w{32}: .*label not found: .*gts/scene-9001/.*labels\.npz'):
        build_pipeline(config, own_root, 'train_pipeline', 'fusion_modality')[0]
    packed = build_pipeline(config, own_root, 'test_pipeline', 'camera_modality', split='val')[0]
    assert 'gt_occ' not in packed['data_samples']


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


def test_real_keyframe_projects_as_its_own_lidar2cam_says(realdata):
    folder = realdata / 'nuscenes_keyframe'
    prefix = dict.fromkeys(['pts', *ORDER], '')
    pipeline = [{'type': 'LoadLidarPoints'}, {'type': 'LoadLidarSweeps'}, {'type': 'PointsToEgo'}]
    dataset = DATASETS.build(
        {
            'type': 'Occ3DNuScenesDataset',
            'ann_file': next(folder.glob('*.pkl')).name,
            'data_root': str(folder),
            'data_prefix': prefix,
            'modality': {'use_lidar': True},
            'pipeline': [{'type': 'LoadMultiViewImages'}, *pipeline, {'type': 'LoadOccupancyLabels'}],
            'test_mode': True,
        }
    )
    data = dataset[0]
    assert [img.shape for img in data['imgs']] == [(900, 1600, 3)] * 6
    assert data['points'].shape == (34688, 5)
    raw = dataset.load_data_list()[0]
    lidar = np.fromfile(data['lidar_path'], np.float32).reshape(-1, 5)[:, :3].astype(float)
    for view, name in enumerate(ORDER):
        cam = lidar @ np.array(raw['images'][name]['lidar2cam'])[:3, :3].T
        cam += np.array(raw['images'][name]['lidar2cam'])[:3, 3]
        front = cam[:, 2] > 1
        expected = cam @ np.array(raw['images'][name]['cam2img']).T
        got, _, depth = project_points(
            data['points'][:, :3].astype(float), data['cam2img'][view], data['cam2ego'][view], np.eye(3), np.eye(4)
        )
        np.testing.assert_allclose(depth, cam[:, 2], atol=1e-4)
        np.testing.assert_allclose(got[front], (expected[:, :2] / expected[:, 2:])[front], atol=0.1, rtol=1e-4)


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


def test_missing_lidar_file_is_found_before_the_first_sample_is_read(own_root):
    shutil.rmtree(own_root / 'samples/LIDAR_TOP')
    with pytest.raises(FileNotFoundError, match=r'LIDAR_TOP__0\.pcd\.bin, that of the first sample \([0-9a-f]{32}\)'):
        lidar_dataset(own_root, 'occ3d-nus_infos_train.pkl')
    with pytest.raises(FileNotFoundError, match=r'LIDAR_TOP__2\.pcd\.bin'):
        build(own_root, modality={'use_lidar': True}, indices=[2])
