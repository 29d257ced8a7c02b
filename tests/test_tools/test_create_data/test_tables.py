"""Damaged tables of nuScenes are named before anything is written."""

import json

import numpy as np
import pytest
from conversion import convert, edit_table


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


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'token': 5}, r'record number \d+ \(5\) has the token 5, expected str'),
        ({'token': 'twice'}, r'record number \d+ \(twice\) has the token of another record'),
    ],
)
def test_a_token_of_an_image_that_the_devkit_would_take_is_named(root, change, message):
    """Nothing leads to the record of a keyframe's image, so a wrong token would only lose its segments."""

    def damage(records):
        images = [record for record in records if record['is_key_frame'] and '/CAM_' in record['filename']]
        for record in images[: 1 if change['token'] == 5 else 2]:
            record.update(change)

    edit_table(root, 'sample_data', damage)
    with pytest.raises(ValueError, match=rf'sample_data\.json: {message}'):
        convert(root)
    assert list(root.glob('*.pkl')) == []


def test_a_table_that_is_nested_without_end_is_named(root):
    (root / 'v1.0-minidrive/attribute.json').write_text('[' * 100_000)
    with pytest.raises(ValueError, match=r'attribute\.json is nested too deeply'):
        convert(root)
