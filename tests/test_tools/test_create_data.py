import json
import pickle
import re
import resource
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_nuscenes import FAKE_SCENES, FAKE_SPEED, write_fake_nuscenes

TOOLS = Path(__file__).parents[2] / 'tools'
sys.path.insert(0, str(TOOLS))

from dataset_converters import occ3d_nuscenes  # noqa: E402
from dataset_converters.nuscenes_inventory import Inventory  # noqa: E402
from dataset_converters.occ3d_nuscenes import Occ3DConverter  # noqa: E402


@pytest.fixture
def root(tmp_path):
    return write_fake_nuscenes(tmp_path / 'nuscenes')


def convert(root, version='v1.0-minidrive', workers=1, **kwargs):
    return Occ3DConverter(str(root), version, str(root), workers=workers, **kwargs).run()


def tokens_of(root, version='v1.0-minidrive'):
    return [record['token'] for record in json.loads((root / version / 'sample.json').read_text())]


def edit_table(root, name, change, version='v1.0-minidrive'):
    path = root / version / f'{name}.json'
    records = json.loads(path.read_text())
    change(records)
    path.write_text(json.dumps(records))
    return records


def items_of(root, split='train'):
    return pickle.loads((root / f'occ3d-nus_infos_{split}.pkl').read_bytes())['data_list']


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


def test_number_of_workers_does_not_change_the_files(root):
    paths = convert(root, workers=1)
    alone = [Path(path).read_bytes() for path in paths.values()]
    convert(root, workers=2, force=True)
    assert [Path(path).read_bytes() for path in paths.values()] == alone


@pytest.fixture
def few_samples(monkeypatch):
    """The fake data of official versions, which has fewer samples, counts as whole."""
    for key, count in {('v1.0-mini', 'train'): 10, ('v1.0-mini', 'val'): 3, ('v1.0-test', 'test'): 2}.items():
        monkeypatch.setitem(occ3d_nuscenes.EXPECTED_SAMPLES, key, count)
    split = {'test': ['scene-0077']}
    real = occ3d_nuscenes.get_scenes_of_split
    monkeypatch.setattr(occ3d_nuscenes, 'get_scenes_of_split', lambda name, nusc: split.get(name) or real(name, nusc))


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


def test_scene_whose_chain_of_samples_ends_early_is_named(root, capsys):
    edit_table(root, 'sample', lambda records: records[1].update(next=''))
    with pytest.raises(FileNotFoundError, match='0 of 1 scenes of minidrive_train, 1 of 1 scenes of minidrive_val'):
        convert(root)
    assert 'scene-9001 (2 of 3 samples)' in capsys.readouterr().out


def test_circle_of_samples_stops(root):
    edit_table(root, 'sample', lambda records: records[2].update(next=records[0]['token']))
    with pytest.raises(ValueError, match=r"'next' of .* leads back to .* of scene-9001"):
        convert(root)


@pytest.mark.parametrize(
    ('table', 'field'),
    [
        ('sample', 'prev'),
        ('sample', 'next'),
        ('scene', 'first_sample_token'),
        ('sample_data', 'filename'),
        ('sample_data', 'ego_pose_token'),
        ('sample_annotation', 'sample_token'),
        ('calibrated_sensor', 'rotation'),
    ],
)
def test_record_without_a_field_is_named_with_its_table(root, table, field):
    token = edit_table(root, table, lambda records: records[1].pop(field))[1]['token']
    with pytest.raises(ValueError, match=rf"{table}\.json: record {token} has no field '{field}'; unpack"):
        convert(root)


def test_record_without_a_token_is_named_by_its_number(root):
    edit_table(root, 'ego_pose', lambda records: records[4].pop('token'))
    with pytest.raises(ValueError, match=r"ego_pose\.json: record number 4 \(without token\) has no field 'token'"):
        convert(root)


@pytest.mark.parametrize(
    ('table', 'field', 'target'), [('sample', 'next', 'sample'), ('sample_data', 'ego_pose_token', 'ego_pose')]
)
def test_token_that_leads_nowhere_is_named_with_its_record(root, table, field, target):
    token = edit_table(root, table, lambda records: records[1].update({field: 'gone'}))[1]['token']
    with pytest.raises(ValueError, match=rf'{table}\.json: record {token} has the {field} gone, but {target}\.json'):
        convert(root)


def test_sample_without_a_key_frame_of_a_sensor_is_named(root):
    def remove(records):
        found = next(i for i, r in enumerate(records) if r['is_key_frame'] and '/CAM_BACK/' in r['filename'])
        records[found]['is_key_frame'] = False

    edit_table(root, 'sample_data', remove)
    with pytest.raises(ValueError, match=r'sample_data\.json has no key frame of CAM_BACK for sample [0-9a-f]{32}'):
        convert(root)


def test_finished_splits_are_kept_and_broken_or_outdated_ones_written_again(root, capsys):
    paths = {name: Path(path) for name, path in convert(root).items()}
    whole = {name: path.read_bytes() for name, path in paths.items()}
    times = {name: path.stat().st_mtime_ns for name, path in paths.items()}
    paths['val'].write_bytes(whole['val'][: len(whole['val']) // 2])
    capsys.readouterr()
    convert(root)
    assert paths['train'].stat().st_mtime_ns == times['train']
    assert paths['val'].read_bytes() == whole['val']
    assert 'occ3d-nus_infos_train.pkl is complete: kept' in capsys.readouterr().out
    next((root / 'segments').iterdir()).unlink()
    convert(root)
    changed = [name for name, path in paths.items() if path.read_bytes() != whole[name]]
    assert len(changed) == 1
    convert(root, max_sweeps=1)
    assert len(items_of(root)[2]['lidar_sweeps']) == 1


def test_interrupted_run_leaves_no_half_written_file(root, monkeypatch):
    monkeypatch.setattr(Occ3DConverter, 'item', lambda self, sample, index: 1 / (2 - index))
    with pytest.raises(ZeroDivisionError):
        convert(root)
    assert [path.name for path in root.iterdir() if 'infos' in path.name] == []
    monkeypatch.undo()
    real_dump = pickle.dump

    def dump(content, file, **kwargs):
        if content['metainfo']['split'] == 'minidrive_val':
            file.write(b'half of it')
            raise KeyboardInterrupt
        real_dump(content, file, **kwargs)

    monkeypatch.setattr(pickle, 'dump', dump)
    with pytest.raises(KeyboardInterrupt):
        convert(root)
    assert [path.name for path in root.iterdir() if 'infos' in path.name] == ['occ3d-nus_infos_train.pkl']
    monkeypatch.undo()
    convert(root)
    assert len(items_of(root, 'val')) == 2


def test_everything_missing_is_listed_before_anything_is_written(root, capsys):
    label = next((root / 'gts/scene-9002').rglob('labels.npz'))
    label.unlink()
    image = next((root / 'samples/CAM_BACK').iterdir())
    image.unlink()
    for sweep in (root / 'sweeps/LIDAR_TOP').iterdir():
        sweep.unlink()
    with pytest.raises(FileNotFoundError, match='nothing was written'):
        convert(root)
    out = capsys.readouterr().out
    assert label.relative_to(root).as_posix() in out
    assert image.name in out
    assert 'LiDAR sweeps' in out
    # Of the six sweeps before keyframes, three are earlier keyframes.
    assert 'missing 3: sweeps/LIDAR_TOP/' in out
    assert list(root.glob('*.pkl')) == []
    convert(root, allow_missing=True)
    assert sorted(item['occ_path'] is None for item in items_of(root, 'val')) == [False, True]
    left = [sweep['lidar_points']['lidar_path'] for sweep in items_of(root)[-1]['lidar_sweeps']]
    assert left
    assert {path.split('/')[0] for path in left} == {'samples'}


def test_allow_missing_leaves_broken_samples_out_and_says_how_many_and_why(root, capsys):
    first, second, third = (scene_tokens := tokens_of(root))[:3]
    (root / 'samples/CAM_BACK/scene-9001__CAM_BACK__0.jpg').unlink()
    (root / 'samples/CAM_FRONT/scene-9001__CAM_FRONT__0.jpg').unlink()
    (root / f'gts/scene-9001/{first}/labels.npz').unlink()
    (root / f'gts/scene-9001/{second}/labels.npz').unlink()
    (root / f'gts/scene-9002/{scene_tokens[3]}/labels.npz').unlink()
    (root / 'samples/LIDAR_TOP/scene-9002__LIDAR_TOP__1.pcd.bin').unlink()
    convert(root, allow_missing=True)
    assert [(item['token'], item['sample_idx']) for item in items_of(root)] == [(third, 0)]
    assert [(item['token'], item['occ_path']) for item in items_of(root, 'val')] == [(scene_tokens[3], None)]
    out = capsys.readouterr().out
    assert 'train: 2 of 3 samples are left out' in out
    assert '1 without camera file: samples/CAM_FRONT/scene-9001__CAM_FRONT__0.jpg,' in out
    assert f'2 without Occ3D label: gts/scene-9001/{first}/labels.npz' in out
    assert 'val: 1 of 2 samples are left out' in out
    assert '1 without LiDAR file: samples/LIDAR_TOP/scene-9002__LIDAR_TOP__1.pcd.bin' in out
    assert 'val: 1 of 1 samples have no Occ3D label; they can be predicted, not scored' in out
    convert(root, allow_missing=True)
    assert 'train.pkl is complete: kept' in capsys.readouterr().out


def test_split_of_which_no_sample_is_whole_is_not_written(root):
    for label in (root / 'gts/scene-9001').rglob('labels.npz'):
        label.unlink()
    assert list(convert(root, allow_missing=True)) == ['val']
    assert [path.name for path in root.glob('*.pkl')] == ['occ3d-nus_infos_val.pkl']
    shutil.rmtree(root / 'samples/CAM_BACK')
    with pytest.raises(FileNotFoundError, match=r'no sample of v1\.0-minidrive in .* is whole'):
        convert(root, allow_missing=True)


def test_cameras_alone_need_no_flag_and_a_part_of_the_lidar_files_is_a_broken_download(root, capsys):
    (root / 'samples/LIDAR_TOP/scene-9001__LIDAR_TOP__1.pcd.bin').unlink()
    with pytest.raises(FileNotFoundError, match='nothing was written'):
        convert(root)
    assert 'unfinished or broken download: add the rest of LIDAR_TOP' in capsys.readouterr().out
    shutil.rmtree(root / 'samples/LIDAR_TOP')
    shutil.rmtree(root / 'sweeps')
    convert(root)
    assert 'no LiDAR at all: camera-only configs do without' in capsys.readouterr().out
    assert [len(item['lidar_sweeps']) for item in items_of(root)] == [0, 0, 0]
    assert np.shape(items_of(root)[0]['lidar_points']['lidar2ego']) == (4, 4)


@pytest.mark.parametrize(('count', 'shown', 'more'), [(4, 4, None), (12, 12, None), (13, 12, '... and 1 more')])
def test_list_of_missing_names_is_whole_up_to_a_dozen(count, shown, more):
    row = Inventory('tables', True, 13, [f'name-{index}.json' for index in range(count)]).row
    assert len(re.findall(r'name-\d+\.json', row)) == shown
    assert (more in row) if more else ('...' not in row)


def test_missing_tables_and_lidarseg_files_are_listed(root, capsys):
    (root / 'v1.0-minidrive/ego_pose.json').rename(root / 'ego_pose.json')
    with pytest.raises(FileNotFoundError):
        convert(root)
    assert 'missing 1: v1.0-minidrive/ego_pose.json' in capsys.readouterr().out
    (root / 'ego_pose.json').rename(root / 'v1.0-minidrive/ego_pose.json')
    (root / 'v1.0-minidrive/lidarseg.json').write_text(json.dumps([{'filename': 'lidarseg/v1.0-minidrive/a.bin'}]))
    with pytest.raises(FileNotFoundError):
        convert(root)
    assert 'download nuScenes-lidarseg' in capsys.readouterr().out


@pytest.mark.parametrize(('table', 'key'), [('calibrated_sensor', 'rotation'), ('ego_pose', 'translation')])
def test_nan_in_a_table_stops_with_the_record_before_anything_is_written(root, table, key):
    path = root / f'v1.0-minidrive/{table}.json'
    records = json.loads(path.read_text())
    records[0][key][0] = float('nan')
    path.write_text(json.dumps(records))
    with pytest.raises(ValueError, match=f'{key} of record {records[0]["token"]} in {table}.json holds NaN'):
        convert(root)
    assert list(root.glob('*.pkl')) == []


@pytest.mark.parametrize(
    ('table', 'index', 'change', 'message'),
    [
        (
            'calibrated_sensor',
            0,
            {'rotation': [0, 0, 0, 0]},
            r'rotation of record {} in {}\.json is no rotation: .* length 0',
        ),
        ('calibrated_sensor', 0, {'rotation': [2.0, 0, 0, 0]}, r'rotation of record {} in {}\.json .* length 2, not 1'),
        (
            'calibrated_sensor',
            0,
            {'rotation': [1, 0, 0]},
            r'rotation of record {} in {}\.json must be numbers of shape',
        ),
        (
            'calibrated_sensor',
            0,
            {'translation': [1, 2]},
            r'translation of record {} in {}\.json must be numbers of shape',
        ),
        (
            'calibrated_sensor',
            0,
            {'camera_intrinsic': []},
            r'camera_intrinsic of record {} in {}\.json must be .*\(3, 3\)',
        ),
        (
            'calibrated_sensor',
            0,
            {'camera_intrinsic': np.zeros((3, 3)).tolist()},
            r'camera_intrinsic of record {} .* focal',
        ),
        (
            'ego_pose',
            0,
            {'translation': 'abc'},
            r'translation of record {} in {}\.json must be numbers of shape \(3,\)',
        ),
        ('sample', 0, {'timestamp': 'x'}, r"timestamp of record {} in {}\.json must be microseconds, got 'x'"),
        ('sample', 1, {'timestamp': 5}, r'has the next {} of the time 5, which is not later'),
    ],
)
def test_wrong_calibration_and_times_of_tables_are_named_before_anything_is_written(
    root, table, index, change, message
):
    tokens = []

    def damage(records):
        records[index].update(change)
        tokens.append(records[index]['token'])

    edit_table(root, table, damage)
    with pytest.raises(ValueError, match=message.format(tokens[0], table)):
        convert(root)
    assert list(root.glob('*.pkl')) == []


def test_scene_that_is_there_twice_is_refused(root):
    edit_table(root, 'scene', lambda records: records.append(records[1]))
    with pytest.raises(ValueError, match=r'scene\.json holds scenes twice, which would count twice: scene-9002;'):
        convert(root)


def test_sweep_whose_prev_is_itself_is_refused(root):
    def damage(records):
        for record in records:
            record['prev'] = record['token']

    edit_table(root, 'sample_data', damage)
    with pytest.raises(ValueError, match=r'record (\w+) in sample_data\.json of .* has the prev \1 of .* not earlier'):
        convert(root)
    assert list(root.glob('*.pkl')) == []


@pytest.mark.parametrize('table', ['ego_pose', 'map'])
def test_truncated_table_is_named(root, table):
    path = root / f'v1.0-minidrive/{table}.json'
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ValueError, match=rf'{table}\.json is truncated, damaged or no JSON \(.*; unpack the metadata'):
        convert(root)


def each(key, value):
    return lambda rows: [{**row, key: value} for row in rows]


@pytest.mark.parametrize(
    ('table', 'change', 'message'),
    [
        ('sample', lambda rows: {'rows': rows}, r'sample\.json must be a list of records, got dict'),
        ('scene', lambda rows: [5, *rows], r'scene\.json: record number 0 must be a dict, got int'),
        ('ego_pose', lambda rows: [*rows, None], r'ego_pose\.json: record number \d+ must be a dict, got NoneType'),
        ('sample', each('token', 5), r'sample\.json: record number 0 \(5\) has the token 5, expected str'),
        ('sample', each('timestamp', 'x'), r"timestamp of record .* in sample\.json must be microseconds, got 'x'"),
        ('sample_data', each('filename', 3), r'sample_data\.json: .* has the filename 3, expected str'),
        ('map', each('filename', 7), r'map\.json: .* has the filename 7, expected str'),
        ('calibrated_sensor', each('rotation', [1, 0, 0]), r'rotation of record .* must be numbers of shape \(4,\)'),
        ('calibrated_sensor', each('rotation', 'x'), r"rotation of record .* must be numbers of shape \(4,\), got 'x'"),
        ('calibrated_sensor', each('rotation', [0, 0, 0, 0]), 'is no rotation: a quaternion of length 0, not 1'),
        ('calibrated_sensor', each('camera_intrinsic', []), r'camera_intrinsic of record .* shape \(3, 3\)'),
        ('ego_pose', each('translation', None), r'translation of record .* in ego_pose\.json'),
        (
            'ego_pose',
            each('translation', [1, 2]),
            r'translation of record .* in ego_pose\.json must be numbers of shape',
        ),
    ],
)
def test_records_of_another_kind_are_named_with_their_table(root, table, change, message):
    path = root / f'v1.0-minidrive/{table}.json'
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(ValueError, match=message):
        convert(root)
    assert list(root.glob('*.pkl')) == []


def test_a_table_that_is_nested_without_end_is_named(root):
    (root / 'v1.0-minidrive/attribute.json').write_text('[' * 100_000)
    with pytest.raises(ValueError, match=r'attribute\.json is nested too deeply'):
        convert(root)


def test_an_info_file_that_finds_no_room_is_named_and_leaves_nothing(root, capsys):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match=r'File too large: .*_infos_train\.pkl'):
            convert(root)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert list(root.glob('*.pkl')) == []
    assert list(root.glob('.*')) == []


def test_command_line_names_a_missing_root_and_the_expected_layout(run_python, tmp_path):
    result = run_python('tools/create_data.py', 'occ3d-nus', '--root-path', tmp_path / 'nowhere', check=False)
    assert result.returncode == 1
    assert f'error: folder not found: {tmp_path / "nowhere"}' in result.stderr
    assert 'gts/<scene>/<token>/labels.npz' in result.stderr
    assert 'Traceback' not in result.stderr
