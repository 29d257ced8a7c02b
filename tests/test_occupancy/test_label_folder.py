"""One option of the data set chooses among several trees of labels; other paths of own data are left alone."""

import shutil

import pytest

from projects.occupancy.datasets import LoadOccupancyLabels, Occ3DNuScenesDataset


def build(root, **options):
    return Occ3DNuScenesDataset('occ3d-nus_infos_train.pkl', data_root=str(root), **options)


def test_labels_are_those_of_the_info_file_unless_a_folder_is_named(own_root):
    shutil.copytree(own_root / 'gts', own_root / 'gts_aggregated')
    exact, made = build(own_root).get_data_info(0), build(own_root, gts='gts_aggregated').get_data_info(0)
    assert exact['occ_path'] == f'{own_root}/gts/scene-9001/{exact["token"]}/labels.npz'
    assert made['occ_path'] == f'{own_root}/gts_aggregated/scene-9001/{made["token"]}/labels.npz'
    assert 'gt_occ' in LoadOccupancyLabels()(made)


def test_a_folder_that_is_not_there_is_an_error_in_testing_too(nuscenes_root):
    with pytest.raises(FileNotFoundError, match=r'folder of labels not found: .*/gts_new .*--labels aggregated'):
        build(nuscenes_root, gts='gts_new', test_mode=True)


def test_own_labels_may_lie_anywhere_and_the_folder_replaces_their_first(own_root, edit_infos):
    infos = own_root / 'occ3d-nus_infos_train.pkl'
    (own_root / 'mine').mkdir()
    edit_infos(infos, lambda item: item.update(occ_path=f'labels/a/{item["token"]}.npz'))
    token = build(own_root).get_data_info(0)['token']
    assert build(own_root).get_data_info(0)['occ_path'] == f'{own_root}/labels/a/{token}.npz'
    assert build(own_root, gts='mine').get_data_info(0)['occ_path'] == f'{own_root}/mine/a/{token}.npz'
    edit_infos(infos, lambda item: item.update(occ_path=None))
    assert build(own_root, gts='mine').get_data_info(0)['occ_path'] is None


@pytest.mark.parametrize('path', ['0001.npz', '/elsewhere/gts/0001.npz', 'gts/'])
def test_a_path_without_a_folder_below_the_root_is_refused_when_one_is_named(own_root, edit_infos, path):
    edit_infos(own_root / 'occ3d-nus_infos_train.pkl', lambda item: item.update(occ_path=path))
    assert build(own_root).get_data_info(0)['occ_path'].endswith(path)
    with pytest.raises(ValueError, match=r"it has no folder in whose place gts='gts' of the data set could stand"):
        build(own_root, gts='gts').get_data_info(0)
