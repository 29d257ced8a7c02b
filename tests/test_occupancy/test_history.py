"""Former keyframes of a sample: which they are, how they are augmented, and how they reach the model."""

import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.dataset import pseudo_collate

from projects.occupancy.datasets import Occ3DNuScenesDataset
from projects.occupancy.datasets.transforms import LoadImageHistory

IMAGES = [
    {'type': 'LoadMultiViewImages'},
    {'type': 'MultiViewImageAug', 'final_dim': (32, 64)},
    {'type': 'MultiViewColorJitter', 'prob': 1.0},
]


def build(root, split='train', **options):
    return Occ3DNuScenesDataset(f'occ3d-nus_infos_{split}.pkl', data_root=str(root), **options)


def history(dataset, index):
    """Names and positions of the former ego frames of a sample; None where the present frame stands in."""
    frames = dataset.get_data_info(index)['history']
    return [(f['token'], round(float(f['ego2key'][0, 3]), 6)) if f['is_former'] else None for f in frames]


def test_history_is_the_latest_frame_first_and_ends_where_the_scene_begins(nuscenes_root):
    """The car of the fake data drives 5 m along x between keyframes."""
    dataset = build(nuscenes_root, history=2)
    tokens = [dataset.frame(index)['token'] for index in range(3)]
    assert history(dataset, 2) == [(tokens[1], -5), (tokens[0], -10)]
    assert history(dataset, 1) == [(tokens[0], -5), None]
    assert history(dataset, 0) == [None, None]
    stand_in = dataset.get_data_info(0)['history'][0]
    assert stand_in['token'] == tokens[0]
    np.testing.assert_array_equal(stand_in['ego2key'], np.eye(4))
    assert 'history' not in build(nuscenes_root).get_data_info(2)


def test_history_does_not_reach_into_the_scene_before(nuscenes_root):
    scenes = [info['scene_name'] for info in map(build(nuscenes_root).get_data_info, range(3))]
    assert scenes == ['scene-9001'] * 3
    assert history(build(nuscenes_root, 'val', history=1), 0) == [None]


def test_a_keyframe_that_the_data_set_does_not_hold_ends_the_history(nuscenes_root):
    assert history(build(nuscenes_root, history=2, indices=[0, 2]), 1) == [None, None]


def test_a_keyframe_that_was_left_out_of_the_chain_makes_the_way_longer(own_root, edit_infos):
    tokens = [info['token'] for info in build(own_root).load_data_list()]

    def skip(item):
        if item['token'] == tokens[2]:
            item['prev'] = tokens[0]

    edit_infos(own_root / 'occ3d-nus_infos_train.pkl', skip)
    assert history(build(own_root, history=1), 2) == [(tokens[0], -10)]


def test_a_file_that_does_not_say_what_was_before_is_refused(own_root, edit_infos):
    edit_infos(own_root / 'occ3d-nus_infos_train.pkl', lambda item: item.pop('prev'))
    with pytest.raises(KeyError, match='does not say which sample is before it'):
        build(own_root, history=1).get_data_info(1)


def loaded(root, index, seed=5, **options):
    np.random.seed(seed)
    data = build(root, history=2, pipeline=[LoadImageHistory(IMAGES)], **options)[index]
    return data, np.random.uniform()


def test_all_frames_are_augmented_by_the_draws_of_the_present_one(nuscenes_root):
    data, after = loaded(nuscenes_root, 2)
    np.random.seed(5)
    alone = build(nuscenes_root, pipeline=IMAGES)[2]
    assert np.random.uniform() == after
    np.testing.assert_array_equal(data['imgs'], alone['imgs'])
    former = []
    for index in (1, 0):
        np.random.seed(5)
        former.append(build(nuscenes_root, pipeline=IMAGES)[index])
    np.testing.assert_array_equal(data['history_imgs'], [frame['imgs'] for frame in former])
    np.testing.assert_array_equal(data['history_img_aug_matrix'], [data['img_aug_matrix']] * 2)
    np.testing.assert_array_equal(data['history_cam2ego'], [frame['cam2ego'] for frame in former])
    assert not np.array_equal(data['img_aug_matrix'][0], data['img_aug_matrix'][1])  # cameras differ
    assert data['history_is_former'].tolist() == [1, 1]
    assert data['history_tokens'] == [frame['token'] for frame in former]


def test_the_present_frame_stands_in_as_it_was_loaded(nuscenes_root):
    data, _ = loaded(nuscenes_root, 1)
    assert data['history_is_former'].tolist() == [1, 0]
    np.testing.assert_array_equal(data['history_imgs'][1], data['imgs'])
    np.testing.assert_array_equal(data['history_img_aug_matrix'][1], data['img_aug_matrix'])
    assert data['history_tokens'][1] == data['token']


def test_history_reaches_the_model_stacked_and_normalised(nuscenes_root):
    pipeline = [{'type': 'LoadImageHistory', 'transforms': IMAGES}, {'type': 'BEVAugment'}, {'type': 'PackOccInputs'}]
    dataset = build(nuscenes_root, history=2, pipeline=pipeline)
    batch = pseudo_collate([dataset[1], dataset[2]])
    data = MODELS.build({'type': 'OccDataPreprocessor'})(batch)
    inputs = data['inputs']
    assert inputs['history_imgs'].shape == (2, 2, 6, 3, 32, 64)
    assert inputs['history_imgs'].dtype == torch.float32
    torch.testing.assert_close(inputs['history_imgs'][0, 1], inputs['imgs'][0])
    assert inputs['history_is_former'].tolist() == [[1, 0], [1, 1]]
    assert inputs['history_ego2key'].shape == (2, 2, 4, 4)
    assert inputs['history_cam2img'].shape == inputs['history_img_aug_matrix'].shape == (2, 2, 6, 3, 3)
    assert data['data_samples'][1].history_tokens == [dataset.frame(index)['token'] for index in (1, 0)]


def test_a_pipeline_that_wants_history_of_a_data_set_without_is_told(nuscenes_root):
    with pytest.raises(ValueError, match='has no history; set history of the data set'):
        build(nuscenes_root, pipeline=[LoadImageHistory(IMAGES)])[0]


def neighbours(dataset, index):
    """Names and positions of the ego frames beside a sample."""
    frames = dataset.get_data_info(index)['neighbours']
    return [(f['token'], round(float(f['ego2key'][0, 3]), 6)) for f in frames]


def test_neighbours_are_the_keyframes_of_the_scene_on_both_sides_the_nearest_first(nuscenes_root):
    dataset = build(nuscenes_root, neighbours=2)
    a, b, c = (dataset.frame(index)['token'] for index in range(3))
    found = [neighbours(dataset, index) for index in range(3)]
    assert found == [[(b, 5), (c, 10)], [(a, -5), (c, 5)], [(b, -5), (a, -10)]]
    assert neighbours(build(nuscenes_root, neighbours=1), 0) == [(b, 5)]
    assert neighbours(build(nuscenes_root, neighbours=2, indices=[0, 2]), 0) == []
    assert 'neighbours' not in build(nuscenes_root).get_data_info(1)


def test_a_file_that_does_not_say_what_came_after_is_refused(own_root, edit_infos):
    edit_infos(own_root / 'occ3d-nus_infos_train.pkl', lambda item: item.pop('next'))
    with pytest.raises(KeyError, match='does not say which sample is after it'):
        build(own_root, neighbours=1).get_data_info(1)
