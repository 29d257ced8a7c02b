"""Frames of the depth data sets, and info files that are refused."""

import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from depth_data import build, left_images

from projects.depth_eval import read_depth
from projects.depth_eval.pairing import pair_files


def test_pair_of_the_data_set_is_that_of_the_files(data_root):
    data = build(data_root)
    assert len(data) == 8
    item, info = data[0], data.get_data_info(0)
    left = cv2.imread(info['img_path'])
    assert np.array_equal(item['inputs']['img'].numpy(), left.transpose(2, 0, 1))
    right = cv2.imread(info['img_path'].replace('image_02', 'image_03'))
    assert np.array_equal(item['inputs']['right_img'].numpy(), right.transpose(2, 0, 1))
    assert np.array_equal(item['data_samples'].gt_depth.numpy(), read_depth(info['depth_path']))
    assert item['inputs']['baseline'].item() == pytest.approx(0.54, abs=0.012)
    assert item['data_samples'].focal == pytest.approx(item['inputs']['cam2img'][0, 0].item())
    assert 'gt_depth_dense' not in item['data_samples']


def test_student_reads_no_right_image(broken_root):
    for path in broken_root.glob('raw/*/*/image_03'):
        shutil.rmtree(path)
    item = build(broken_root, stereo=False, split='val', test_mode=True)[0]
    assert 'right_img' not in item['inputs']
    assert item['inputs']['baseline'].item() == 0
    assert item['data_samples'].right_path is None
    assert item['data_samples'].gt_depth_dense.shape == (128, 416)


def test_missing_right_image_names_the_file(broken_root):
    path = Path(str(left_images(broken_root)[0]).replace('image_02', 'image_03'))
    path.unlink()
    with pytest.raises(FileNotFoundError, match=path.name):
        build(broken_root)[0]


def test_frames_that_cannot_serve_are_refused_when_the_infos_are_read(data_root, tmp_path):
    content = pickle.loads((data_root / 'kitti-depth_infos_train.pkl').read_bytes())
    item = content['data_list'][0]
    for change, message, test_mode in (
        ({'right_path': None}, '1 of 1 frames have no right image', True),
        ({'depth_path': None}, 'has no depth map', False),
        ({'baseline': 0.0}, 'must be positive', True),
    ):
        path = tmp_path / 'infos.pkl'
        path.write_bytes(pickle.dumps({'data_list': [{**item, **change}]}))
        with pytest.raises(ValueError, match=message):
            build(data_root, ann_file=str(path), test_mode=test_mode)
    path.write_bytes(pickle.dumps([item]))
    with pytest.raises(ValueError, match='holds no depth infos'):
        build(data_root, ann_file=str(path))
    with pytest.raises(FileNotFoundError, match='info file not found'):
        build(data_root, ann_file='nope.pkl')


K3 = np.eye(3)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'cam2img': K3 * np.nan}, r'cam2img of frame \S+ of .*odd\.pkl holds NaN'),
        ({'cam2img': K3 * 0}, r'cam2img of frame \S+ of .*odd\.pkl has the focal lengths 0 and 0 px'),
        ({'cam2img': [1.0]}, r'cam2img of frame \S+ of .*odd\.pkl must be numbers of shape \(3, 3\)'),
        ({'right_cam2img': None}, r'right_cam2img of frame \S+ of .*odd\.pkl must be numbers'),
        ({'baseline': float('nan')}, r'frame \S+ of .*odd\.pkl has the baseline nan'),
        ({'baseline': float('inf')}, 'has the baseline inf'),
        ({'baseline': 540.0}, 'has the baseline 540.0, but it must be in metres'),
        ({'baseline': 'x'}, "has the baseline 'x'"),
        ({'depth_scale': 0.0}, r'depth_scale of frame \S+ of .*odd\.pkl must be a positive number .* got 0\.0'),
        ({'depth_scale': -256.0}, 'got -256.0'),
        ({'depth_scale': float('nan')}, 'got nan'),
        ({'ori_shape': None}, r'ori_shape of frame \S+ of .*odd\.pkl must be \(height, width\)'),
        ({'ori_shape': (0, 5)}, 'ori_shape'),
        ({'ori_shape': 'ab'}, 'ori_shape'),
        ({'img_path': 3}, r'img_path of frame \S+ of .*odd\.pkl must be a path or None, got 3'),
        ({'img_path': None}, r'frame \S+ of .*odd\.pkl has no img_path'),
        ({'frame_id': None}, r'item 1 of .*odd\.pkl is no frame with a frame_id'),
        ({'frame_id': 7}, 'is no frame with a frame_id'),
    ],
)
def test_frame_with_a_wrong_value_is_refused_with_file_frame_and_key(data_root, tmp_path, change, message):
    content = pickle.loads((data_root / 'kitti-depth_infos_train.pkl').read_bytes())
    content['data_list'][1].update(change)
    (tmp_path / 'odd.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=message):
        build(data_root, ann_file=str(tmp_path / 'odd.pkl'))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (list.clear, r'odd\.pkl holds no frames'),
        (lambda items: items.append(items[2]), r'odd\.pkl holds the frame \S+ twice \(items 2 and 8\)'),
        (lambda items: items.insert(0, None), r'item 0 of .*odd\.pkl is no frame'),
        (lambda items: items[3].pop('baseline'), r"frame \S+ of .*odd\.pkl has no \['baseline'\]"),
    ],
)
def test_info_file_that_is_empty_or_counts_a_frame_twice_is_refused(data_root, tmp_path, change, message):
    content = pickle.loads((data_root / 'kitti-depth_infos_train.pkl').read_bytes())
    change(content['data_list'])
    (tmp_path / 'odd.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=message):
        build(data_root, ann_file=str(tmp_path / 'odd.pkl'))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            {'frame_id': '../evil'},
            r"item 1 of .*infos\.pkl: frame_id '../evil' cannot be a file name: it leads out of its folder",
        ),
        ({'frame_id': 5}, r'item 1 of .*infos\.pkl is no frame with a frame_id that is text'),
        ({'depth_path': ['x']}, r"depth_path of frame .*infos\.pkl must be a path or None, got \['x'\]"),
        ({'img_path': 3}, r'img_path of frame .*infos\.pkl must be a path or None, got 3'),
    ],
)
def test_wrong_frames_are_named_alike_by_training_and_evaluation(data_root, tmp_path, change, message):
    content = pickle.loads((data_root / 'kitti-depth_infos_train.pkl').read_bytes())
    content['data_list'][1].update(change)
    path = tmp_path / 'infos.pkl'
    path.write_bytes(pickle.dumps(content))
    (tmp_path / 'pred').mkdir()
    (tmp_path / 'pred' / 'a.png').write_bytes(b'')
    with pytest.raises(ValueError, match=message):
        build(data_root, ann_file=str(path))
    with pytest.raises(ValueError, match=message):
        pair_files(data_root, tmp_path / 'pred', path)
