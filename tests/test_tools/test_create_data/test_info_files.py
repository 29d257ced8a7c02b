"""Info files of the nuScenes converter: their content and splits."""

import pickle

import numpy as np
import pytest
from conversion import convert, items_of
from dataset_converters import nuscenes_splits
from fake_nuscenes import FAKE_SCENES, FAKE_SPEED, write_fake_nuscenes


def test_info_file_has_the_documented_keys(root):
    convert(root)
    content = pickle.loads((root / 'occ3d-nus_infos_train.pkl').read_bytes())
    assert content['metainfo']['version'] == 'v1.0-minidrive'
    assert content['metainfo']['info_version'] == '1.1'
    item = content['data_list'][1]
    assert set(item) == {
        'sample_idx',
        'token',
        'timestamp',
        'ego2global',
        'scene_token',
        'scene_name',
        'prev',
        'next',
        'lidar_points',
        'lidar_sweeps',
        'images',
        'instances',
        'occ_path',
        'pts_semantic_mask_path',
    }
    assert item['sample_idx'] == 1
    assert item['occ_path'] == f'gts/scene-9001/{item["token"]}/labels.npz'
    assert item['pts_semantic_mask_path'] is None
    image = item['images']['CAM_FRONT']
    assert set(image) == {
        'img_path',
        'cam2img',
        'cam2ego',
        'lidar2cam',
        'ego2global',
        'timestamp',
        'sample_data_token',
        'height',
        'width',
        'segments_path',
    }
    assert (image['height'], image['width']) == (90, 160)
    assert (root / image['segments_path']).is_file()
    assert (root / 'samples/CAM_FRONT' / image['img_path']).is_file()


def test_paths_through_the_ego_poses_are_those_of_a_car_on_a_straight_line(root):
    convert(root)
    item = items_of(root)[2]
    newest, older, *_ = item['lidar_sweeps']
    assert len(item['lidar_sweeps']) == 4
    lag = item['timestamp'] - newest['timestamp']
    assert lag == pytest.approx(0.25)
    assert older['timestamp'] < newest['timestamp']
    # The LiDAR's y axis points along the car's x axis, and the car has moved on by speed * lag.
    np.testing.assert_allclose(np.array(newest['sweep2key'])[:3, 3], [0, -FAKE_SPEED * lag, 0], atol=1e-5)
    # A point 10 m ahead of the car, in the LiDAR frame, seen by the front camera 30 ms earlier.
    point = np.array([0, 9.0, -0.3, 1])
    camera = np.array(item['images']['CAM_FRONT']['lidar2cam']) @ point
    np.testing.assert_allclose(camera, [0, 0, 10 - 1.5 + FAKE_SPEED * 0.03, 1], atol=1e-5)


def test_boxes_are_in_the_lidar_frame_with_length_before_width(root):
    convert(root)
    item = items_of(root)[0]
    (box,) = item['instances']
    ego_x = item['ego2global'][0][3]
    # Global (50, 2, 1) is (50 - ego_x - 1, 2, -0.8) from the LiDAR along the car's axes; its own are turned by -90.
    np.testing.assert_allclose(box['bbox_3d'], [-2, 49 - ego_x, -0.8, 4, 2, 1.5, np.pi / 2], atol=1e-6)
    assert box['bbox_label'] == 0
    assert box['bbox_3d_isvalid'] is True


def test_number_of_sweeps_is_limited(root):
    convert(root, max_sweeps=1)
    assert [len(item['lidar_sweeps']) for item in items_of(root)] == [0, 1, 1]


@pytest.fixture
def few_samples(monkeypatch):
    """The fake data of official versions, which has fewer samples, counts as whole."""
    for key, count in {('v1.0-mini', 'train'): 10, ('v1.0-mini', 'val'): 3, ('v1.0-test', 'test'): 2}.items():
        monkeypatch.setitem(nuscenes_splits.EXPECTED_SAMPLES, key, count)
    split = {'test': ['scene-0077']}
    real = nuscenes_splits.get_scenes_of_split
    monkeypatch.setattr(nuscenes_splits, 'get_scenes_of_split', lambda name, nusc: split.get(name) or real(name, nusc))


@pytest.mark.usefixtures('few_samples')
@pytest.mark.parametrize(
    ('version', 'splits'), [('v1.0-mini', {'train': 10, 'val': 3}), ('v1.0-minidrive', {'train': 3, 'val': 2})]
)
def test_splits_of_each_version(tmp_path, version, splits, capsys):
    root = write_fake_nuscenes(tmp_path, version)
    convert(root, version)
    assert {split: len(items_of(root, split)) for split in splits} == splits
    assert sorted(path.name for path in root.glob('*.pkl')) == [f'occ3d-nus_infos_{split}.pkl' for split in splits]
    assert 'scenes' in capsys.readouterr().out


@pytest.mark.usefixtures('few_samples')
def test_test_version_needs_no_labels_and_writes_one_split(tmp_path):
    root = write_fake_nuscenes(tmp_path, 'v1.0-test', labels=False, segments=False)
    convert(root, 'v1.0-test')
    assert [path.name for path in root.glob('*.pkl')] == ['occ3d-nus_infos_test.pkl']
    assert items_of(root, 'test')[0]['occ_path'] is None
    assert items_of(root, 'test')[0]['instances'] == []


def test_mini_with_all_scenes_but_not_its_323_and_81_samples_is_an_error_before_anything_is_written(tmp_path):
    root = write_fake_nuscenes(tmp_path, 'v1.0-mini')
    with pytest.raises(ValueError, match='train: 10 samples instead of 323; val: 3 samples instead of 81; nothing was'):
        convert(root, 'v1.0-mini')
    assert list(root.glob('*.pkl')) == []
    convert(root, 'v1.0-mini', allow_missing=True)
    assert (len(items_of(root)), len(items_of(root, 'val'))) == (10, 3)


def test_scenes_that_the_tables_lack_are_named_and_no_empty_file_is_written(tmp_path, capsys):
    root = write_fake_nuscenes(tmp_path, 'v1.0-mini', scenes={'scene-0061': 2})
    with pytest.raises(
        FileNotFoundError, match=r'only a part .*1 of 8 scenes of mini_train, 0 of 2 scenes of mini_val'
    ):
        convert(root, 'v1.0-mini')
    out = capsys.readouterr().out
    assert [name for name in FAKE_SCENES['v1.0-mini'] if name not in out] == ['scene-0061']
    assert list(root.glob('*.pkl')) == []
    assert list(convert(root, 'v1.0-mini', allow_missing=True)) == ['train']
    assert [path.name for path in root.glob('*.pkl')] == ['occ3d-nus_infos_train.pkl']
    assert 'val: no sample is left, occ3d-nus_infos_val.pkl is not written' in capsys.readouterr().out


def test_empty_file_of_an_earlier_run_does_not_count_as_complete(tmp_path, capsys):
    root = write_fake_nuscenes(tmp_path, 'v1.0-test', scenes={'scene-0061': 1})
    old = root / 'occ3d-nus_infos_test.pkl'
    old.write_bytes(b'whatever')
    for allow_missing in (False, True):
        with pytest.raises(FileNotFoundError, match='nothing was written'):
            convert(root, 'v1.0-test', allow_missing=allow_missing)
    out = capsys.readouterr().out
    assert 'complete' not in out
    assert f'an earlier run is still there, delete it: {old}' in out
