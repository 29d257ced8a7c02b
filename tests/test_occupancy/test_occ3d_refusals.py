"""Info files, calibrations and folders that the data set refuses, by name."""

import pickle
import shutil

import numpy as np
import pytest

from projects.occupancy.datasets import Occ3DNuScenesDataset


def build(root, split='train', **kwargs):
    return Occ3DNuScenesDataset(f'occ3d-nus_infos_{split}.pkl', data_root=str(root), **kwargs)


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


def test_missing_lidar_file_is_found_before_the_first_sample_is_read(own_root):
    shutil.rmtree(own_root / 'samples/LIDAR_TOP')
    with pytest.raises(FileNotFoundError, match=r'LIDAR_TOP__0\.pcd\.bin, that of the first sample \([0-9a-f]{32}\)'):
        build(own_root, modality={'use_camera': False, 'use_lidar': True})
    with pytest.raises(FileNotFoundError, match=r'LIDAR_TOP__2\.pcd\.bin'):
        build(own_root, modality={'use_lidar': True}, indices=[2])
