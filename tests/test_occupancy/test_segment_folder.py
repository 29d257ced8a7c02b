"""One option of the data set chooses among several folders of image segments."""

import shutil

import numpy as np
import pytest

from projects.occupancy.datasets import LoadImageSegments, Occ3DNuScenesDataset


def build(root, **options):
    return Occ3DNuScenesDataset('occ3d-nus_infos_train.pkl', data_root=str(root), **options)


def test_segments_are_those_of_the_info_file_unless_a_folder_is_named(own_root):
    shutil.move(own_root / 'segments', own_root / 'segments_slic')
    exact, made = build(own_root).get_data_info(0), build(own_root, segments='segments_slic').get_data_info(0)
    folder = f'{own_root}/segments/'
    assert all(path.startswith(folder) for path in exact['segments_paths'])
    assert made['segments_paths'] == [path.replace('/segments/', '/segments_slic/') for path in exact['segments_paths']]
    assert LoadImageSegments((9, 16))(made)['segments'].shape == (6, 9, 16)
    with pytest.raises(FileNotFoundError, match='image segments not found'):
        LoadImageSegments((9, 16))(exact)


def test_an_info_file_that_names_no_segments_needs_none_to_be_written_again(own_root, edit_infos):
    def forget(item):
        for image in item['images'].values():
            image['segments_path'] = None

    named = build(own_root).get_data_info(0)['segments_paths']
    edit_infos(own_root / 'occ3d-nus_infos_train.pkl', forget)
    assert build(own_root).get_data_info(0)['segments_paths'] == [None] * 6
    made = build(own_root, segments='segments').get_data_info(0)
    assert made['segments_paths'] == named
    assert LoadImageSegments((9, 16))(made)['segments'].dtype == np.int32


def test_a_folder_that_is_not_there_is_an_error(nuscenes_root):
    with pytest.raises(FileNotFoundError, match=r'folder of image segments not found: .*/nowhere .*extract_segments'):
        build(nuscenes_root, segments='nowhere')
