"""Inputs and labels that a config names, for both tasks."""

import numpy as np
import pytest
import torch
from mmdet3d.registry import TRANSFORMS

import projects.depth
import projects.occupancy  # noqa: F401 - both register their classes

OCC = {'token': 'abc'}
DEPTH = {
    'frame_id': 'abc',
    'img': np.zeros((4, 6, 3), np.uint8),
    'cam2img': np.eye(3),
    'baseline': 0.0,
}
TASKS = {'PackOccInputs': OCC, 'PackDepthInputs': DEPTH}


def pack(task, results, **options):
    return TRANSFORMS.build({'type': task, **options})({**TASKS[task], **results})


@pytest.fixture(params=TASKS)
def task(request):
    return request.param


def test_matrices_keep_their_shape_as_float32(task):
    poses = np.arange(2 * 16, dtype=np.float64).reshape(2, 4, 4)
    inputs = pack(task, {'former2ego': np.eye(4), 'former_poses': poses}, extra_matrices=['former2ego', 'former_poses'])
    assert inputs['inputs']['former2ego'].tolist() == np.eye(4).tolist()
    assert inputs['inputs']['former_poses'].dtype == torch.float32
    assert inputs['inputs']['former_poses'][1, 0].tolist() == [16, 17, 18, 19]


def test_channels_of_images_come_before_rows_and_columns(task):
    image = np.zeros((4, 6, 3), np.uint8)
    image[1, 2] = 10, 20, 30
    inputs = pack(task, {'one': image, 'many': [image, image + 1]}, extra_images=['one', 'many'])['inputs']
    assert inputs['one'].shape == (3, 4, 6)
    assert inputs['many'].shape == (2, 3, 4, 6)
    assert inputs['one'][:, 1, 2].tolist() == [10, 20, 30]
    assert inputs['many'][1, :, 1, 2].tolist() == [11, 21, 31]
    assert inputs['many'].dtype == torch.uint8


def test_labels_keep_shape_and_dtype_and_may_be_missing_in_tests(task):
    flow = np.array([[1.5, 2.5]], np.float32)
    sample = pack(task, {'gt_flow': flow}, extra_labels=['gt_flow'])['data_samples']
    assert sample.gt_flow.tolist() == [[1.5, 2.5]]
    assert 'gt_flow' not in pack(task, {'test_mode': True}, extra_labels=['gt_flow'])['data_samples']


@pytest.mark.parametrize(
    ('argument', 'value', 'message'),
    [
        ('extra_matrices', None, 'is not there'),
        ('extra_images', None, 'is not there'),
        ('extra_labels', None, 'is not there'),
        ('extra_matrices', [[1.0, 2.0], [3.0]], 'is no matrix of numbers'),
        ('extra_matrices', 'words', 'is no matrix of numbers'),
        ('extra_matrices', [1.0, 2.0], r'must have rows and columns, got the shape \(2,\)'),
        ('extra_images', [np.zeros((4, 6, 3)), np.zeros((4, 5, 3))], 'must be images of one size'),
        ('extra_images', np.zeros((3, 4, 6)), r'must be images \(H, W, 3\), got float64 of the shape \(3, 4, 6\)'),
        ('extra_labels', 'words', 'does not fit into a tensor'),
    ],
)
def test_what_is_missing_or_of_another_kind_is_named_with_its_sample(task, argument, value, message):
    results = {} if value is None else {'mine': value}
    with pytest.raises(ValueError, match=rf"'mine' of {argument} of {task} \(sample abc\) {message}"):
        pack(task, results, **{argument: ['mine']})


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'extra_images': 'mine'}, "extra_images of .* must be a list of names, got 'mine'"),
        ({'extra_matrices': [3]}, 'extra_matrices of .* must be a list of names'),
        ({'extra_matrices': ['cam2img']}, "names 'cam2img', which is there without being named"),
        ({'extra_labels': ['ori_shape']}, "extra_labels of .* names 'ori_shape'"),
        ({'extra_images': ['mine', 'mine']}, "extra_images of .* names 'mine' twice"),
        ({'extra_images': ['mine'], 'extra_matrices': ['mine']}, "extra_images of .* names 'mine', which is there"),
    ],
)
def test_names_of_a_config_are_checked(task, options, message):
    with pytest.raises(ValueError, match=message):
        TRANSFORMS.build({'type': task, **options})


def test_grids_that_are_named_are_mirrored_like_the_label():
    label = np.arange(6).reshape(2, 3, 1)
    results = {'bda_mat': np.eye(4), 'gt_occ': label, 'gt_height': label[..., 0] + 10}
    out = TRANSFORMS.build({'type': 'BEVAugment', 'flip_x_prob': 1, 'flip_y_prob': 0, 'extra_grids': ['gt_height']})(
        results
    )
    assert out['gt_occ'][..., 0].tolist() == [[3, 4, 5], [0, 1, 2]]
    assert out['gt_height'].tolist() == [[13, 14, 15], [10, 11, 12]]
