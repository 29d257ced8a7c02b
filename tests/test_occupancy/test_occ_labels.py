import cv2
import numpy as np
import pytest
import torch
from fake_nuscenes import fake_label

from projects.occ_eval.files import read_occ_label
from projects.occupancy import OccDataSample
from projects.occupancy.datasets import LoadImageSegments, LoadOccupancyLabels, load_occ_label


def write(path, **changes):
    arrays = {**fake_label(0), **changes}
    np.savez_compressed(path, **{key: value for key, value in arrays.items() if value is not None})
    return str(path)


def test_label_is_read_with_bool_masks(tmp_path):
    path = write(tmp_path / 'labels.npz')
    label = load_occ_label(path)
    np.testing.assert_array_equal(label['gt_occ'], fake_label(0)['semantics'])
    assert label['gt_occ'].dtype == np.uint8
    assert label['mask_camera'].dtype == label['mask_lidar'].dtype == np.bool_
    assert label['mask_camera'].sum() == 100 * 120 * 16


SEMANTICS = fake_label(0)['semantics']


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'semantics': SEMANTICS[:, :100]}, r'semantics of .* must have shape \(200, 200, 16\), got \(200, 100, 16\)'),
        ({'mask_camera': np.zeros((2, 2), np.uint8)}, r'mask_camera of .* must have shape'),
        ({'semantics': SEMANTICS.astype(np.float32)}, 'semantics of .* must hold integers, got float32'),
        ({'semantics': SEMANTICS.astype(np.int16) + 300}, r'semantics of .* holds 304\.\.317, which are no class ids'),
        ({'semantics': SEMANTICS + 1}, r'semantics of .* holds class ids \[18\], expected 0\.\.17 and 255'),
        ({'mask_lidar': None}, r"has no array \['mask_lidar'\]; it has \['mask_camera', 'semantics'\]"),
        ({'mask_lidar': SEMANTICS}, r'mask_lidar of .* must hold 0 and 1, got 17'),
        ({'mask_camera': np.full(SEMANTICS.shape, 18, np.uint8)}, r'mask_camera of .* must hold 0 and 1, got 18'),
        ({'semantics': np.array([None])}, 'holds Python objects'),
    ],
)
def test_bad_label_names_the_file_and_the_fault(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message) as error:
        load_occ_label(write(tmp_path / 'labels.npz', **changes))
    assert 'labels.npz' in str(error.value)


@pytest.mark.parametrize('masks', [(), ('lidar',), ('camera',), ('lidar', 'camera')])
@pytest.mark.parametrize('step', [1, 2])
def test_rotated_keys_are_refused_whichever_mask_is_read(tmp_path, step, masks):
    keys, label = ['semantics', 'mask_lidar', 'mask_camera'], fake_label(0)
    rotated = {key: label[keys[(index + step) % 3]] for index, key in enumerate(keys)}
    path = write(tmp_path / 'labels.npz', **rotated)
    with pytest.raises(ValueError, match=r'semantics of .*labels\.npz holds 0 and 1 alone, .* is it a mask'):
        read_occ_label(path, masks)


OPENOCC = np.where(SEMANTICS == 17, 16, np.minimum(SEMANTICS, 15))
NO_MASKS = {'mask_camera': None, 'mask_lidar': None}


@pytest.mark.parametrize(
    'changes',
    [
        {
            **NO_MASKS,
            'semantics': OPENOCC.astype(np.int32),
            'instances': OPENOCC.astype(np.int32),
            'flow': np.zeros((200, 200, 16, 2), np.float16),
        },
        {'semantics': OPENOCC},
        {'semantics': OPENOCC.astype(np.float32)},
        {'semantics': OPENOCC.astype(np.int64)[:100]},
        {'semantics': np.where(OPENOCC == 4, 255, OPENOCC).astype(np.uint8)},
        {**NO_MASKS, 'semantics': np.full_like(OPENOCC, 3), 'flow': np.zeros(2, np.float16)},
    ],
    ids=['real', 'uint8 with masks', 'float', 'shape', 'other ids', 'no majority'],
)
def test_openocc_is_named_first_whatever_else_is_wrong(tmp_path, changes):
    path = write(tmp_path / 'labels.npz', **changes)
    for read in (load_occ_label, lambda name: read_occ_label(name, ['camera']), read_occ_label):
        with pytest.raises(ValueError, match=r'labels\.npz has the classes of OpenOcc') as error:
            read(path)
        assert 'download' not in str(error.value)


def test_occ3d_with_instances_wide_integers_or_a_batch_axis_is_read(tmp_path):
    changes = {'semantics': SEMANTICS.astype(np.int64)[None], 'instances': SEMANTICS, 'flow': np.zeros(3)}
    label = load_occ_label(write(tmp_path / 'labels.npz', **changes))
    np.testing.assert_array_equal(label['gt_occ'], SEMANTICS)
    assert label['gt_occ'].dtype == np.uint8


def test_voxels_that_are_not_labelled_reach_training_as_255_and_can_be_written_to(tmp_path):
    semantics = SEMANTICS.copy()
    semantics[3, 4, 5] = 255
    label = load_occ_label(write(tmp_path / 'labels.npz', semantics=semantics))
    assert np.argwhere(label['gt_occ'] == 255).tolist() == [[3, 4, 5]]
    assert all(array.flags.writeable for array in label.values())


def test_truncated_label_is_refused(tmp_path):
    path = tmp_path / 'labels.npz'
    write(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r'labels\.npz'):
        load_occ_label(str(path))


def test_label_loaded_after_the_bev_flip_is_an_error(tmp_path):
    results = {'occ_path': write(tmp_path / 'l.npz'), 'token': 't', 'test_mode': False}
    with pytest.raises(ValueError, match='before BEVAugment'):
        LoadOccupancyLabels().transform({**results, 'bda_mat': np.diag([-1.0, 1, 1, 1])})


def test_sample_without_a_label_path_names_the_token():
    results = {'occ_path': None, 'token': 'token-7', 'bda_mat': np.eye(4), 'test_mode': False}
    with pytest.raises(FileNotFoundError, match='token-7'):
        LoadOccupancyLabels().transform(results)
    for path, labelled in ((None, False), ('gone.npz', True)):
        passed = LoadOccupancyLabels().transform({**results, 'test_mode': True, 'occ_path': path})
        assert 'gt_occ' not in passed
        assert passed['labelled'] is labelled


def test_real_label_is_read(realdata):
    label = load_occ_label(str(realdata / 'occ3d_label/labels.npz'))
    assert label['gt_occ'].max() == 17
    # Facts of this file: the cameras see no more than the LiDAR, and 825 occupied voxels lie where neither looked.
    assert ((label['gt_occ'] != 17) & ~label['mask_lidar']).sum() == 825
    assert not (label['mask_camera'] & ~label['mask_lidar']).any()


def test_segments_are_resized_to_the_nearest_pixel_centre(tmp_path):
    ids = np.arange(36, dtype=np.uint16).reshape(6, 6) * 1000
    cv2.imwrite(str(tmp_path / 's.png'), ids)
    results = {'segments_paths': [str(tmp_path / 's.png')] * 2, 'token': 't'}
    segments = LoadImageSegments(render_size=(2, 2)).transform(results)['segments']
    # Target pixel 0 has its centre at 0.5 * 3 = 1.5, which lies in the middle of source pixel 1.
    np.testing.assert_array_equal(segments[0], [[7000, 10000], [25000, 28000]])
    assert segments.shape == (2, 2, 2)
    assert segments.dtype == np.int32


def test_segments_of_another_size_than_the_image_are_refused(tmp_path):
    cv2.imwrite(str(tmp_path / 's.png'), np.zeros((6, 8), np.uint16))
    results = {'segments_paths': [str(tmp_path / 's.png')], 'token': 'token-3', 'ori_shape': (6, 8)}
    assert LoadImageSegments(render_size=(3, 4)).transform(dict(results))['segments'].shape == (1, 3, 4)
    with pytest.raises(ValueError, match=r's\.png \(sample token-3\) is \(6, 8\), the image \(8, 6\)'):
        LoadImageSegments(render_size=(3, 4)).transform({**results, 'ori_shape': (8, 6)})


def test_missing_or_coloured_segments_are_refused(tmp_path):
    transform = LoadImageSegments(render_size=(2, 2))
    with pytest.raises(FileNotFoundError, match=r'token-3.*segments/'):
        transform.transform({'segments_paths': [None], 'token': 'token-3'})
    with pytest.raises(FileNotFoundError, match=r'image segments not found: .*gone\.png \(sample token-3\)'):
        transform.transform({'segments_paths': [str(tmp_path / 'gone.png')], 'token': 'token-3'})
    cv2.imwrite(str(tmp_path / 'color.png'), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match=r'grey uint16 PNG: .*color\.png'):
        transform.transform({'segments_paths': [str(tmp_path / 'color.png')], 'token': 't'})


def test_data_sample_checks_its_fields_and_moves_them():
    sample = OccDataSample(metainfo={'token': 't'})
    sample.gt_occ = torch.zeros(2, 2, 2, dtype=torch.uint8)
    sample.mask_camera = torch.ones(2, 2, 2, dtype=torch.bool)
    assert sample.to('cpu').token == 't'
    assert sample.numpy().gt_occ.dtype == np.uint8
    with pytest.raises(TypeError, match=r'pred_occ of OccDataSample must be torch\.uint8'):
        sample.pred_occ = torch.zeros(2, 2, 2, dtype=torch.int64)
    with pytest.raises(TypeError, match='mask_camera'):
        sample.mask_camera = torch.ones(2, 2, dtype=torch.bool)
