"""Frames of the data set: cameras, poses, neighbours."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from fake_nuscenes import FAKE_CAMERAS, FAKE_SPEED
from mmdet3d.registry import DATASETS
from mmengine.dataset import BaseDataset

from projects.occupancy.classes import OCC3D
from projects.occupancy.datasets import Occ3DNuScenesDataset
from projects.occupancy.datasets.transforms import project_ego_points

ORDER = ['CAM_FRONT_LEFT', 'CAM_FRONT', 'CAM_FRONT_RIGHT', 'CAM_BACK_LEFT', 'CAM_BACK', 'CAM_BACK_RIGHT']


def build(root, split='train', **kwargs):
    return Occ3DNuScenesDataset(f'occ3d-nus_infos_{split}.pkl', data_root=str(root), **kwargs)


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


def test_a_sample_with_history_reads_as_many_items_in_a_large_data_set_as_in_a_small_one(nuscenes_root, monkeypatch):
    """The sample itself, the token before it, and the former frame; every worker looked through all items before."""
    dataset, reads, read = build(nuscenes_root, history=1), [], BaseDataset.get_data_info
    monkeypatch.setattr(BaseDataset, 'get_data_info', lambda self, idx: reads.append(idx) or read(self, idx))
    assert dataset.get_data_info(2)['history'][0]['token'] == read(dataset, 1)['token']
    assert reads == [2, 2, 1]


def test_boxes_and_sweeps_that_nobody_reads_do_not_stay_in_memory(nuscenes_root):
    written = pickle.loads((nuscenes_root / 'occ3d-nus_infos_train.pkl').read_bytes())['data_list'][1]
    assert written['instances']
    assert written['lidar_sweeps']

    class WithBoxes(Occ3DNuScenesDataset):
        UNREAD = ()

    cameras, lidar = build(nuscenes_root), build(nuscenes_root, modality={'use_lidar': True})
    boxes = WithBoxes('occ3d-nus_infos_train.pkl', data_root=str(nuscenes_root), modality={'use_lidar': True})
    kept = [set(written) & set(dataset._item(1)) for dataset in (cameras, lidar, boxes)]
    assert kept == [set(written) - {'instances', 'lidar_sweeps'}, set(written) - {'instances'}, set(written)]


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
        got, _, depth = project_ego_points(
            data['points'][:, :3].astype(float), data['cam2img'][view], data['cam2ego'][view], np.eye(3), np.eye(4)
        )
        np.testing.assert_allclose(depth, cam[:, 2], atol=1e-4)
        np.testing.assert_allclose(got[front], (expected[:, :2] / expected[:, 2:])[front], atol=0.1, rtol=1e-4)
