import numpy as np
import pytest
import torch

from projects.radocc.report import Scores, blank_images, frame_of_another_scene, measure, swap_points


class _Scenes:
    """A data set of which only the scenes matter."""

    ann_file = 'infos.pkl'

    def __init__(self, scenes):
        self.scenes = scenes

    def __len__(self):
        return len(self.scenes)

    def get_data_info(self, index):
        return {'scene_token': self.scenes[index]}


class _Label:
    def __init__(self, gt_occ, mask_camera):
        self.gt_occ, self.mask_camera = gt_occ, mask_camera


class _Samples:
    """One sample with four voxels along x: car, car (not seen), free, bus."""

    metainfo = {'classes': ('bus', 'car', 'free'), 'free_class': 2}

    def __len__(self):
        return 1

    def __getitem__(self, index):
        gt_occ = torch.tensor([1, 1, 2, 0], dtype=torch.uint8).view(4, 1, 1)
        mask = torch.tensor([True, False, True, True]).view(4, 1, 1)
        return {'data_samples': _Label(gt_occ, mask), 'inputs': {}}


def test_measure_counts_only_what_the_cameras_see():
    wrong_where_unseen = np.array([1, 0, 2, 0], np.uint8).reshape(4, 1, 1)
    bus_taken_for_car = np.array([1, 1, 2, 1], np.uint8).reshape(4, 1, 1)
    scores = measure(
        _Samples(),
        {'right': lambda sample, index: wrong_where_unseen, 'half': lambda sample, index: bus_taken_for_car},
        iter,
    )
    assert scores['right'].miou == 100.0
    # The seen voxels are car, free, bus: car has one hit of two, bus none of one; both are occupied as they should be.
    assert scores['half'].per_class == {'bus': 0.0, 'car': 50.0}
    assert scores['half'].miou == 25.0
    assert scores['half'].iou == 100.0


def test_class_that_never_occurs_is_null_in_json():
    score = Scores(50.0, 60.0, {'bus': float('nan'), 'car': 50.0})
    assert score.as_json() == {'miou': 50.0, 'iou': 60.0, 'per_class': {'bus': None, 'car': 50.0}}


def test_control_takes_its_lidar_from_another_scene():
    assert frame_of_another_scene(_Scenes(['a', 'a', 'a', 'b']), 0) == 3
    assert frame_of_another_scene(_Scenes(['a', 'b']), 1) == 0
    with pytest.raises(ValueError, match='one scene; the control needs two'):
        frame_of_another_scene(_Scenes(['a', 'a']), 0)


def test_controls_leave_the_sample_as_it_was():
    sample = {'inputs': {'imgs': torch.arange(3, dtype=torch.uint8), 'points': torch.zeros(2, 5)}}
    other = {'inputs': {'points': torch.ones(1, 5)}}
    assert blank_images(sample)['inputs']['imgs'].tolist() == [114, 114, 114]
    assert swap_points(sample, other)['inputs']['points'].tolist() == [[1.0] * 5]
    assert sample['inputs']['imgs'].tolist() == [0, 1, 2]
    assert sample['inputs']['points'].shape == (2, 5)
