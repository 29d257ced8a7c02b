"""Lidarseg submissions: the devkit accepts what is packed, and everything wrong is said at once."""

import json
import pickle
import zipfile

import numpy as np
import pytest

from projects.occ_eval.submission import check_lidarseg, pack_lidarseg
from projects.occ_eval.submission.lidarseg import META_KEYS, parse_meta
from projects.occ_eval.submission.tokens import Scan, read_scans

SCANS = [Scan('aa', 3), Scan('bb', 2)]
META = {**dict.fromkeys(META_KEYS, False), 'use_camera': True}


@pytest.fixture
def predictions(tmp_path):
    folder = tmp_path / 'pred'
    folder.mkdir()
    for token, ids in (('aa', [1, 16, 4]), ('bb', [11, 11])):
        np.array(ids, np.uint8).tofile(folder / f'{token}_lidarseg.bin')
    return folder


def test_packed_file_has_the_form_of_the_devkit(tmp_path, predictions):
    assert pack_lidarseg(predictions, SCANS, META, tmp_path / 'z.zip', 'test') == []
    assert check_lidarseg(tmp_path / 'z.zip', SCANS, 'test') == []
    with zipfile.ZipFile(tmp_path / 'z.zip') as archive:
        assert set(archive.namelist()) == {
            'test/submission.json', 'lidarseg/test/aa_lidarseg.bin', 'lidarseg/test/bb_lidarseg.bin'
        }  # fmt: skip
        assert archive.read('lidarseg/test/aa_lidarseg.bin') == bytes([1, 16, 4])
        assert json.loads(archive.read('test/submission.json')) == {'meta': META}


def test_bad_predictions_are_all_named_and_nothing_is_written(tmp_path, predictions):
    np.array([0, 1, 2], np.uint8).tofile(predictions / 'aa_lidarseg.bin')
    np.array([1], np.uint8).tofile(predictions / 'bb_lidarseg.bin')
    np.array([1], np.uint8).tofile(predictions / 'zz_lidarseg.bin')
    meta = {**META, 'use_lidar': 'no', 'use_magic': True}
    del meta['use_map']
    problems = pack_lidarseg(predictions, [*SCANS, Scan('cc', None)], meta, tmp_path / 'z.zip', 'test')
    text = '\n'.join(problems)
    for part in ("lacks 'use_map'", "unknown key 'use_magic'", "'use_lidar' must be true or false", 'missing: cc',
                 'not in the info file: zz', 'ids 0..2, expected 1..16', 'has 1 labels for 2 points'):  # fmt: skip
        assert part in text
    assert not (tmp_path / 'z.zip').exists()


def test_file_that_cannot_be_read_does_not_hide_what_else_is_wrong(tmp_path, predictions):
    (predictions / 'aa_lidarseg.bin').write_bytes(b'')
    np.array([11, 11], np.int64).tofile(predictions / 'bb_lidarseg.bin')
    first, second = pack_lidarseg(predictions, SCANS, META, tmp_path / 'z.zip', 'test')
    assert 'aa_lidarseg.bin is empty' in first
    assert second.endswith(
        '16 labels for 2 points; that is 8 bytes for each point, expected one: write the ids as uint8'
    )
    assert not (tmp_path / 'z.zip').exists()


def test_wrong_root_of_the_scans_is_named_with_what_it_must_be(tmp_path):
    lidar = {'sample_data_token': 'aa', 'lidar_path': 'a.bin'}
    item = {'token': 's', 'timestamp': 0.0, 'ego2global': np.eye(4), 'lidar_points': lidar, 'images': {}}
    (tmp_path / 'i.pkl').write_bytes(pickle.dumps({'data_list': [item]}))
    with pytest.raises(FileNotFoundError, match=r'LIDAR_TOP/a\.bin is not there; .*nope must be the root of nuScenes'):
        read_scans(tmp_path / 'i.pkl', str(tmp_path / 'nope'))


def test_everything_wrong_in_a_file_is_said_at_once(tmp_path):
    with zipfile.ZipFile(tmp_path / 'z.zip', 'w') as archive:
        archive.writestr('test/submission.json', json.dumps({'meta': {**META, 'use_radar': 1}}))
        archive.writestr('lidarseg/test/aa_lidarseg.bin', bytes([1, 17, 1]))
        archive.writestr('lidarseg/test/cc_lidarseg.bin', bytes([1]))
        archive.writestr('lidarseg/test/bb_lidarseg.bin', b'')
        archive.writestr('lidarseg/val/bb_lidarseg.bin', bytes([1, 1]))
        archive.writestr('lidarseg/test/../up_lidarseg.bin', bytes([1]))
    text = '\n'.join(check_lidarseg(tmp_path / 'z.zip', [*SCANS, Scan('dd', None)], 'test'))
    for part in ("'use_radar' must be true or false, got 1", 'ids 1..17', 'not in the info file: cc', 'missing: dd',
                 '0 labels for 2 points', 'there: lidarseg/val/bb_lidarseg.bin', 'leads out of its'):  # fmt: skip
        assert part in text
    with zipfile.ZipFile(tmp_path / 'y.zip', 'w') as archive:
        archive.writestr('lidarseg/test/aa_lidarseg.bin', bytes([1, 1, 1]))
    assert check_lidarseg(tmp_path / 'y.zip', SCANS[:1], 'test') == ['test/submission.json is missing']


def test_meta_of_the_command_line(tmp_path):
    assert parse_meta(['use_camera=true']) == META
    (tmp_path / 'meta.json').write_text(json.dumps({'meta': META}))
    assert parse_meta([str(tmp_path / 'meta.json')]) == META
    with pytest.raises(ValueError, match='KEY=true'):
        parse_meta(['use_camera'])
