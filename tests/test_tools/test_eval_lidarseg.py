"""tools/eval_lidarseg.py: numbers by hand and bad files."""

import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

TOOL = Path(__file__).resolve().parents[2] / 'tools/eval_lidarseg.py'


@pytest.fixture(scope='module')
def main():
    spec = importlib.util.spec_from_file_location('eval_lidarseg_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def write(folder, token, *ids):
    folder.mkdir(exist_ok=True)
    np.array(ids, np.uint8).tofile(folder / f'{token}_lidarseg.bin')


def run(main, root, *options):
    code = main([str(root / 'gt'), str(root / 'pred'), '--workers', '1', '--json', str(root / 'out.json'), *options])
    return code, json.loads((root / 'out.json').read_text())


def test_empty_files_are_errors_and_not_scored_frames(tmp_path, main, capsys):
    write(tmp_path / 'gt', 'a')
    write(tmp_path / 'pred', 'a')
    write(tmp_path / 'gt', 'b', 4)
    write(tmp_path / 'pred', 'b', 4)
    code, report = run(main, tmp_path)
    assert code == 1
    assert report['frames'] == 1
    assert [error['token'] for error in report['errors']] == ['a']
    assert 'a_lidarseg.bin is empty' in capsys.readouterr().err


def test_scan_that_two_samples_name_is_refused(tmp_path, main, capsys):
    write(tmp_path / 'gt', 'scan', 4)
    write(tmp_path / 'pred', 'scan', 4)
    lidar = {'lidar2ego': np.eye(4), 'sample_data_token': 'scan'}
    item = {'timestamp': 1.0, 'ego2global': np.eye(4), 'images': {}, 'lidar_points': lidar}
    (tmp_path / 'i.pkl').write_bytes(pickle.dumps({'data_list': [{**item, 'token': 'a'}, {**item, 'token': 'b'}]}))
    assert main([str(tmp_path / 'gt'), str(tmp_path / 'pred'), '--infos', str(tmp_path / 'i.pkl')]) == 2
    assert 'samples a and b of' in (error := capsys.readouterr().err)
    assert 'i.pkl have one lidar_points.sample_data_token, scan' in error


@pytest.mark.parametrize('fine', [True, False])
def test_score_worked_out_by_hand(tmp_path, main, fine):
    # car 17 -> 4, driveable surface 24 -> 11, ego vehicle 31 -> ignored. Car 1 of 2, driveable 2 of 3.
    write(tmp_path / 'gt', 'a', *((17, 17, 24, 31) if fine else (4, 4, 11, 0)))
    write(tmp_path / 'gt', 'b', *((24,) if fine else (11,)))
    write(tmp_path / 'pred', 'a', 4, 11, 11, 7)
    write(tmp_path / 'pred', 'b', 11)
    code, report = run(main, tmp_path)
    assert code == 0
    assert report['miou']['mean'] == pytest.approx(100 * (1 / 2 + 2 / 3) / 2)
    assert report['miou']['per_class']['car'] == 50
    assert report['miou']['per_class']['pedestrian'] is None
    assert (report['frames'], report['label_ids']) == (2, 'fine' if fine else 'challenge')


def test_bad_scans_are_all_named(tmp_path, main):
    for token in ('good', 'length', 'zero', 'high', 'missing'):
        write(tmp_path / 'gt', token, 17, 24)
    write(tmp_path / 'pred', 'good', 4, 11)
    write(tmp_path / 'pred', 'length', 4, 11, 11)
    write(tmp_path / 'pred', 'zero', 4, 0)
    write(tmp_path / 'pred', 'high', 4, 17)
    write(tmp_path / 'pred', 'extra', 4)
    code, report = run(main, tmp_path)
    assert code == 1
    errors = {error['token']: error['error'] for error in report['errors']}
    assert set(errors) == {'length', 'zero', 'high', 'missing'}
    (warning,) = report['warnings']
    assert warning.startswith('1 predictions are left out')
    assert warning.endswith(': extra')
    assert 'has 3 labels for 2 points' in errors['length']
    assert 'ids 0..4, expected 1..16' in errors['zero']
    assert 'ids 4..17' in errors['high']
    assert report['miou']['mean'] == 100
    assert run(main, tmp_path, '--strict')[0] == 1


def test_folder_above_the_labels_is_refused_with_the_one_that_has_them(tmp_path, main, capsys):
    (tmp_path / 'gt').mkdir()
    write(tmp_path / 'gt/v1.0-mini', 'a', 17, 24)
    assert main([str(tmp_path / 'gt'), str(tmp_path / 'gt/v1.0-mini')]) == 2
    assert f'give the folder that has them, {tmp_path}/gt/v1.0-mini perhaps' in capsys.readouterr().err


def test_empty_folders_end_with_exit_code_2(tmp_path, main, capsys):
    (tmp_path / 'gt').mkdir()
    assert main([str(tmp_path / 'gt'), str(tmp_path / 'gt')]) == 2
    assert 'no <token>_lidarseg.bin' in capsys.readouterr().err
