"""tools/compare.py: scores of both sets by an independent count, intervals worked out by hand, and unequal sets."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from projects.depth_eval import encode_depth

TOOL = Path(__file__).resolve().parents[2] / 'tools/compare.py'
DRIVES = tuple(f'2011_09_26_drive_{i:04d}_sync' for i in range(6))
FRAMES = {
    'aa': 'scene-0',
    **{token: f'scene-{i}' for i, token in enumerate(('bb', 'cc', 'dd', 'ee', 'ff', 'gg', 'hh'))},
}


@pytest.fixture(scope='module')
def main():
    spec = importlib.util.spec_from_file_location('compare_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def run(main, root, task, *options):
    folders = [str(root / name) for name in ('gt', 'first', 'second')]
    code = main([task, *folders, '--workers', '1', '--json', str(root / 'out.json'), *options])
    report = json.loads((root / 'out.json').read_text())
    return code, report, {row['metric']: row for row in report['metrics']}


def write_depth(root, seconds):
    for drive, second in zip(DRIVES, seconds):
        for name, metres in (('gt', 10), ('first', 11), ('second', second)):
            path = root / name / drive / '0000000005.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_depth(np.full((1, 6), metres)))


def test_equal_gain_in_every_drive_is_certain(tmp_path, main, capsys):
    write_depth(tmp_path, (10.5, 10.5, 9.5) * 2)
    code, report, rows = run(main, tmp_path, 'eigen', '--crop', 'none')
    assert code == 0
    row = rows['abs_rel']
    assert [row[key] for key in ('first', 'second', 'difference', 'low', 'high')] == pytest.approx(
        [0.1, 0.05, -0.05, -0.05, -0.05]
    )
    assert (row['verdict'], rows['d1']['verdict']) == ('better', '')
    assert (report['frames'], report['scenes'], report['errors']) == (6, 6, [])
    assert '6 frames of 6 scenes in both sets, 0 errors' in capsys.readouterr().out


def test_gain_that_one_drive_takes_back_is_none_and_the_frame_is_named(tmp_path, main):
    write_depth(tmp_path, (10.5,) * 5 + (14,))
    code, report, rows = run(main, tmp_path, 'eigen', '--crop', 'none')
    row = rows['abs_rel']
    assert (row['first'], row['second']) == pytest.approx((0.1, 0.65 / 6))
    assert run(main, tmp_path, 'kitti')[2]['abs_error_rel']['second'] == pytest.approx(65 / 6)
    assert (row['low'] < 0 < row['high'], row['verdict']) == (True, '')
    assert (code, report['frames_apart'][0]['token']) == (0, f'{DRIVES[5]}/0000000005.png')


def test_depth_that_one_set_lacks_counts_in_neither(tmp_path, main, capsys):
    write_depth(tmp_path, (10.5, 10.5, 14, 10.5, 10.5, 10.5))
    path = tmp_path / f'second/{DRIVES[2]}/0000000005.png'
    path.write_bytes(path.read_bytes()[:30])
    code, report, rows = run(main, tmp_path, 'eigen', '--crop', 'none')
    assert (code, report['frames'], rows['abs_rel']['second']) == (1, 5, pytest.approx(0.05))
    shown = capsys.readouterr()
    assert '0000000005.png is truncated' in shown.err
    # Five drives cannot tell: equal sets differ in one direction in all of them in 6 % of cases.
    assert (rows['abs_rel']['high'] < 0, rows['abs_rel']['verdict']) == (True, '')
    assert '5 scenes are too few to say better or worse' in shown.out


def test_set_of_another_scale_is_warned_about_by_its_folder(tmp_path, main, capsys):
    write_depth(tmp_path, (10.5,) * 6)
    assert run(main, tmp_path, 'eigen', '--crop', 'none')[0] == 0
    assert 'warning' not in capsys.readouterr().err
    write_depth(tmp_path, (40,) * 6)
    assert run(main, tmp_path, 'eigen', '--crop', 'none')[0] == 0
    (warning,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith('warning'))
    assert warning.startswith(f'warning: {tmp_path}/second: predictions are 4 times as deep as the truth')


def ious_of(pairs):
    """IoU of each class and of occupied voxels over (label, prediction, mask), counted class by class."""
    label, pred, mask = (np.concatenate([np.ravel(pair[i]) for pair in pairs]) for i in range(3))
    label, pred = label[mask], pred[mask]
    ious = {c: ((label == c) & (pred == c)).sum() / ((label == c) | (pred == c)).sum()
            for c in range(17) if ((label == c) | (pred == c)).any()}  # fmt: skip
    occupied = ((label < 17) & (pred < 17)).sum() / ((label < 17) | (pred < 17)).sum()
    return ious, occupied


def write_occ(root):
    """Labels and two sets: the first misses an end of the car, the second only in scene-2 and less elsewhere."""
    pairs = {'first': {}, 'second': {}}
    for i, (token, scene) in enumerate(FRAMES.items()):
        label = np.full((200, 200, 16), 17, np.uint8)
        label[40:160, 60 + i : 140, 2] = 11
        label[100:110, 80:100, 3:6] = 4
        mask = np.random.default_rng(i).random(label.shape) < 0.5
        (root / f'gt/{scene}/{token}').mkdir(parents=True)
        np.savez_compressed(root / f'gt/{scene}/{token}/labels.npz', semantics=label, mask_camera=mask)
        for name, missing in (('first', 4), ('second', 6 if scene == 'scene-2' else 1)):
            pred = label.copy()
            pred[100 : 100 + missing, 80:100, 3:6] = 17
            (root / name).mkdir(exist_ok=True)
            np.savez_compressed(root / f'{name}/{token}.npz', pred=pred)
            pairs[name][token] = (label, pred, mask)
    return pairs


def test_occupancy_has_the_scores_of_a_count_by_hand(tmp_path, main, capsys):
    pairs = write_occ(tmp_path)
    code, report, rows = run(main, tmp_path, 'occ')
    assert (code, report['frames'], report['scenes']) == (0, 8, 7)
    for name in ('first', 'second'):
        ious, occupied = ious_of(list(pairs[name].values()))
        assert rows['mIoU'][name] == pytest.approx(100 * np.mean(list(ious.values())))
        assert rows['car'][name] == pytest.approx(100 * ious[4])
        assert rows['IoU (occupied)'][name] == pytest.approx(100 * occupied)
    assert rows['bus']['first'] is None
    assert rows['car']['low'] < rows['car']['difference'] < rows['car']['high']
    assert report['frames_apart'][0]['token'] == 'dd'
    assert 'car ' in capsys.readouterr().out


def test_frame_that_one_set_lacks_is_an_error_and_counts_in_neither(tmp_path, main, capsys):
    pairs = write_occ(tmp_path)
    (tmp_path / 'second/dd.npz').unlink()
    code, report, rows = run(main, tmp_path, 'occ')
    assert (code, report['frames']) == (1, 7)
    assert f'dd: {tmp_path}/second: there is no prediction' in capsys.readouterr().err
    ious, _ = ious_of([pairs['first'][token] for token in FRAMES if token != 'dd'])
    assert rows['car']['first'] == pytest.approx(100 * ious[4])
    assert (rows['car']['verdict'], rows['driveable_surface']['verdict']) == ('better', '')
