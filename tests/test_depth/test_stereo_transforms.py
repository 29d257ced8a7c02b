import cv2
import numpy as np
import pytest
import torch
from mmdet3d.registry import TRANSFORMS

from projects.depth.datasets import match_rows
from projects.depth.datasets.transforms import resize_sparse
from projects.distillation import labelled_frames
from projects.engine import seeded

DISPARITY = 12


@pytest.fixture
def pair():
    """Textured plane at 40 m: f * b / Z = 960 * 0.5 / 40 = 12 px."""
    texture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (400, 1400, 3), np.uint8), (0, 0), 1.0)
    cam2img = np.array([[960.0, 0, 620], [0, 960, 180], [0, 0, 1]])
    return {
        'frame_id': 'f',
        'img': texture[:375, 50:1292].copy(),
        'right_img': texture[:375, 50 + DISPARITY : 1292 + DISPARITY].copy(),
        'gt_depth': np.full((375, 1242), 40, np.float32),
        'right_gt_depth': np.full((375, 1242), 41, np.float32),
        'cam2img': cam2img,
        'right_cam2img': cam2img + np.array([[0, 0, 5.0], [0, 0, 0], [0, 0, 0]]),
        'baseline': 0.5,
        'focal': 960.0,
        'img_shape': (375, 1242),
        'ori_shape': (375, 1242),
        'crop_offset': (0, 0),
        'flipped': False,
    }


def build(kind, **kwargs):
    return TRANSFORMS.build(dict(type=kind, **kwargs))


def test_flipped_pair_keeps_positive_disparity_and_takes_the_other_camera(pair):
    left, right = pair['img'], pair['right_img']
    out = build('StereoFlip', prob=1.0)(pair)
    assert np.array_equal(out['img'], right[:, ::-1])
    assert np.array_equal(out['right_img'], left[:, ::-1])
    assert np.median(match_rows(out['img'], out['right_img'])) == pytest.approx(DISPARITY, abs=0.05)
    assert (out['gt_depth'] == 41).all()
    assert out['cam2img'][0, 2] == 1241 - 625
    assert out['right_cam2img'][0, 2] == 1241 - 620
    assert out['flipped']


def test_mirroring_in_place_would_make_disparities_negative(pair):
    left, right = (pair[key][:, ::-1].copy() for key in ('img', 'right_img'))
    assert np.median(match_rows(left, right)) == pytest.approx(-DISPARITY, abs=0.05)


def test_flip_twice_is_the_identity(pair):
    flip = build('StereoFlip', prob=1.0)
    before = {key: np.copy(value) for key, value in pair.items() if isinstance(value, np.ndarray)}
    out = flip(flip(pair))
    assert not out['flipped']
    for key, value in before.items():
        assert np.array_equal(out[key], value), key


def test_single_image_is_mirrored_alone_and_a_pair_without_right_truth_stays(pair):
    del pair['right_gt_depth']
    left = pair['img'].copy()
    out = build('StereoFlip', prob=1.0)(dict(pair))
    assert np.array_equal(out['img'], left)
    assert not out['flipped']
    del pair['right_img']
    out = build('StereoFlip', prob=1.0)(pair)
    assert np.array_equal(out['img'], left[:, ::-1])
    assert out['cam2img'][0, 2] == 1241 - 620


def test_flip_of_a_tested_probability_happens_that_often(pair):
    flip = build('StereoFlip', prob=0.25)
    small = {
        key: value[:2, :8] if getattr(value, 'ndim', 0) > 1 and len(value) > 3 else value for key, value in pair.items()
    }
    small['img_shape'] = (2, 8)
    with seeded(0):
        count = sum(flip(dict(small))['flipped'] for _ in range(400))
    assert 70 <= count <= 130


def test_kb_crop_cuts_both_images_and_moves_the_principal_point(pair):
    left, right = pair['img'], pair['right_img']
    out = build('KBCrop')(pair)
    assert np.array_equal(out['img'], left[23:375, 13:1229])
    assert np.array_equal(out['right_img'], right[23:375, 13:1229])
    assert out['gt_depth'].shape == out['right_gt_depth'].shape == out['img_shape'] == (352, 1216)
    assert out['cam2img'][:2, 2].tolist() == [607, 157]
    assert out['right_cam2img'][:2, 2].tolist() == [612, 157]
    assert out['crop_offset'] == (23, 13)


def test_random_crop_takes_one_window_of_everything(pair):
    left, right = pair['img'], pair['right_img']
    with seeded(3):
        out = build('StereoCrop', size=(100, 300))(build('KBCrop')(pair))
    top, column = out['crop_offset']
    assert (top, column) != (23, 13)
    assert np.array_equal(out['img'], left[top : top + 100, column : column + 300])
    assert np.array_equal(out['right_img'], right[top : top + 100, column : column + 300])
    assert out['cam2img'][:2, 2].tolist() == [620 - column, 180 - top]
    with pytest.raises(ValueError, match='does not fit into the image of 100x300 of frame f'):
        build('StereoCrop', size=(101, 300))(out)


def test_crop_reaches_every_position():
    crop = build('StereoCrop', size=(2, 2))
    frame = {
        'frame_id': 'f',
        'img': np.zeros((3, 4, 3), np.uint8),
        'cam2img': np.eye(3),
        'right_cam2img': np.eye(3),
        'img_shape': (3, 4),
        'crop_offset': (0, 0),
    }
    with seeded(0):
        seen = {crop(dict(frame))['crop_offset'] for _ in range(200)}
    assert seen == {(top, left) for top in range(2) for left in range(3)}


def test_colour_changes_alike_in_both_images(pair):
    pair['right_img'] = pair['img'].copy()
    before = pair['img'].copy()
    with seeded(0):
        out = build('StereoColorAug', prob=1.0)(pair)
    assert np.array_equal(out['img'], out['right_img'])
    assert not np.array_equal(out['img'], before)


def test_colour_is_gamma_times_brightness_times_channel(pair):
    pair['img'] = np.full((375, 1242, 3), 100, np.uint8)
    aug = build('StereoColorAug', gamma=(1.1, 1.1), brightness=(0.9, 0.9), color=(1.05, 1.05), prob=1.0)
    assert aug(pair)['img'][0, 0, 0] == round(255 * 0.9 * 1.05 * (100 / 255) ** 1.1)


def test_resize_scales_intrinsics_about_pixel_centres_and_keeps_the_nearest_depth(pair):
    pair['gt_depth'][:] = 0
    pair['gt_depth'][10, 20], pair['gt_depth'][11, 21] = 30, 20
    out = build('StereoResize', size=(125, 414))(pair)
    assert out['img'].shape == out['right_img'].shape == (125, 414, 3)
    assert out['cam2img'][0].tolist() == pytest.approx([320, 0, (620 + 0.5) / 3 - 0.5])
    rows, columns = np.nonzero(out['gt_depth'])
    assert list(zip(rows, columns, out['gt_depth'][rows, columns])) == [(3, 6, 30), (3, 7, 20)]
    assert resize_sparse(np.array([[30, 20], [0, 0]], np.float32), (1, 1)).tolist() == [[20]]


def test_packed_frame_follows_the_contract(pair):
    pair.update(img_path='l', right_path='r', depth_path='d')
    packed = build('PackDepthInputs')(pair)
    inputs, sample = packed['inputs'], packed['data_samples']
    assert inputs['img'].dtype == torch.uint8
    assert inputs['img'].shape == inputs['right_img'].shape == (3, 375, 1242)
    assert inputs['cam2img'].dtype == torch.float32
    assert inputs['baseline'].item() == 0.5
    assert sample.gt_depth.shape == (375, 1242)
    assert sample.metainfo['frame_id'] == 'f'
    del pair['right_img']
    inputs = build('PackDepthInputs')(pair)['inputs']
    assert 'right_img' not in inputs
    assert inputs['baseline'].item() == 0


@pytest.mark.parametrize('labelled', [True, False])
def test_a_distillation_knows_whether_a_packed_frame_has_labels(pair, labelled):
    """``unlabelled_weights`` of the Distiller goes by this, in depth as in occupancy."""
    packed = build('PackDepthInputs')({**pair, 'labelled': labelled})
    assert labelled_frames([packed['data_samples']]) == [labelled]


def test_further_images_and_maps_are_cropped_resized_and_mirrored_like_the_frame(pair):
    del pair['right_img']
    extra = {'extra_images': ['former'], 'extra_maps': ['gt_flow']}
    pair['gt_depth'] = np.random.default_rng(1).random((375, 1242), np.float32)
    pair['former'], pair['gt_flow'] = pair['img'].copy(), pair['gt_depth'].copy()
    steps = [('StereoColorAug', {'prob': 1.0, 'extra_images': ['former']}), ('KBCrop', extra)]
    steps += [('StereoCrop', {'size': (300, 900), **extra}), ('StereoFlip', {'prob': 1.0, **extra})]
    steps += [('StereoResize', {'size': (150, 450), **extra})]
    before = pair['img'].copy()
    for name, options in steps:
        pair = build(name, **options)(pair)
    assert pair['img'].shape == (150, 450, 3)
    assert pair['flipped']
    assert not np.array_equal(pair['img'], before[:150, :450])
    assert np.array_equal(pair['former'], pair['img'])
    assert np.array_equal(pair['gt_flow'], pair['gt_depth'])


def test_pair_with_an_image_of_the_left_camera_alone_is_not_flipped(pair):
    pair['former'] = pair['img'].copy()
    before = {key: pair[key].copy() for key in ('img', 'right_img', 'former')}
    out = build('StereoFlip', prob=1.0, extra_images=['former'])(pair)
    assert not out['flipped']
    assert all(np.array_equal(out[key], value) for key, value in before.items())


@pytest.mark.parametrize('name', ['KBCrop', 'StereoCrop', 'StereoResize', 'StereoFlip', 'StereoColorAug'])
def test_further_image_that_is_missing_is_named(pair, name):
    options = {'size': (100, 100)} if name in ('StereoCrop', 'StereoResize') else {}
    options |= {'prob': 1.0} if name in ('StereoFlip', 'StereoColorAug') else {}
    with pytest.raises(ValueError, match=rf"'former' of extra_images of {name} \(sample f\) is not there"):
        build(name, extra_images=['former'], **options)(pair)
    with pytest.raises(ValueError, match=rf"extra_images of {name} names 'img'"):
        build(name, extra_images=['img'], **options)
