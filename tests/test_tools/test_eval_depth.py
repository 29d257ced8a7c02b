import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from projects.depth_eval import encode_depth

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'eval_depth.py'
GT = np.array([[10, 20, 40, 0, 79.5, 5]])
PRED = np.array([[11, 18, 44, 7, 70, 5]])


def run(*args):
    return subprocess.run([sys.executable, str(TOOL), *map(str, args)], capture_output=True, text=True)


@pytest.fixture
def folders(tmp_path):
    gt, pred = tmp_path / 'gt', tmp_path / 'pred'
    for folder, depth in ((gt, GT), (pred, PRED)):
        (folder / 'drive').mkdir(parents=True)
        for name in ('drive/1.png', 'drive/2.png'):
            (folder / name).write_bytes(encode_depth(depth))
    return gt, pred


def test_eigen_report_has_the_golden_numbers_and_counts_empty_truth(folders, tmp_path):
    gt, pred = folders
    (gt / 'drive/2.png').write_bytes(encode_depth(0 * GT))
    result = run('eigen', gt, pred, '--crop', 'none', '--json', tmp_path / 'out.json')
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / 'out.json').read_text())
    keys = 'abs_rel sq_rel rmse rmse_log log10 silog d1 d2 d3 irmse frames skipped'
    assert list(report) == keys.split()
    assert report['abs_rel'] == pytest.approx(0.0838994, abs=1e-6)
    assert report['sq_rel'] == pytest.approx(0.3670440, abs=1e-6)
    assert (report['frames'], report['skipped']) == (1, 1)
    assert '1 frames scored, 1 skipped' in result.stdout


def test_kitti_report_has_the_units_of_the_site(folders, tmp_path):
    result = run('kitti', *folders, '--json', tmp_path / 'out.json')
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / 'out.json').read_text())
    golden = {'silog': 9.498592, 'sq_error_rel': 0.885590, 'abs_error_rel': 8.389937, 'irmse': 4.931294, 'frames': 2}
    assert report == pytest.approx(golden, abs=1e-6)


def test_files_without_a_partner_are_refused(folders, tmp_path):
    gt, pred = folders
    (pred / 'drive/2.png').rename(pred / 'drive/3.png')
    result = run('eigen', gt, pred, '--json', tmp_path / 'out.json')
    assert result.returncode == 1
    assert '1 frames have no prediction: drive/2.png' in result.stderr
    assert '1 predictions have no ground truth: drive/3.png' in result.stderr
    assert not (tmp_path / 'out.json').exists()


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (cv2.imencode('.png', np.ones((1, 6), np.uint8))[1].tobytes(), '8 bits'),
        (encode_depth(np.ones((2, 6))), 'prediction is 2x6, ground truth 1x6'),
    ],
)
def test_bad_prediction_is_named_and_the_others_are_scored(folders, tmp_path, data, message):
    gt, pred = folders
    (pred / 'drive/2.png').write_bytes(data)
    result = run('eigen', gt, pred, '--crop', 'none', '--json', tmp_path / 'out.json')
    assert result.returncode == 1
    assert message in result.stderr
    report = json.loads((tmp_path / 'out.json').read_text())
    assert report['frames'] == 1
    assert 'drive/2.png' in report['errors'][0]
    assert report['abs_rel'] == pytest.approx(0.0838994, abs=1e-6)


def test_names_of_the_depth_selection_are_paired(tmp_path):
    for folder, word in (('gt', 'groundtruth_depth'), ('pred', 'image')):
        (tmp_path / folder).mkdir()
        name = f'2011_09_26_drive_0002_sync_{word}_0000000005_image_02.png'
        (tmp_path / folder / name).write_bytes(encode_depth(GT))
    assert run('kitti', tmp_path / 'gt', tmp_path / 'pred').returncode == 0


def test_info_file_chooses_the_frames_and_those_without_a_map_are_skipped(folders, tmp_path):
    gt, pred = folders
    items = [{'frame_id': 'drive/1', 'depth_path': 'drive/1.png'}, {'frame_id': 'drive/2', 'depth_path': None}]
    (tmp_path / 'i.pkl').write_bytes(pickle.dumps({'data_list': items}))
    (gt / 'drive/7.png').write_bytes(encode_depth(GT))  # not in the list
    result = run('eigen', gt, pred, '--crop', 'none', '--infos', tmp_path / 'i.pkl', '--json', tmp_path / 'out.json')
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / 'out.json').read_text())
    assert (report['frames'], report['skipped']) == (1, 1)


def test_truth_of_another_scale_is_read_by_the_scale_of_the_info_file(folders, tmp_path):
    gt, pred = folders
    (tmp_path / 'i.pkl').write_bytes(
        pickle.dumps({'data_list': [{'frame_id': 'drive/1', 'depth_path': 'a.png', 'depth_scale': 128.0}]})
    )
    (gt / 'a.png').write_bytes(encode_depth(GT / 2))  # half the values, twice as much each
    args = ('--crop', 'none', '--infos', tmp_path / 'i.pkl', '--json', tmp_path / 'out.json')
    (pred / 'drive/2.png').unlink()
    assert run('eigen', gt, pred, *args).returncode == 0
    assert json.loads((tmp_path / 'out.json').read_text())['abs_rel'] == pytest.approx(0.0838994, abs=1e-6)


@pytest.mark.parametrize(
    ('items', 'message'),
    [
        ([{'frame_id': 'a', 'depth_path': 'x.png'}, {'frame_id': 'a', 'depth_path': None}], 'the frame a twice'),
        ([], 'holds no frames'),
        ([{'frame_id': 'a'}], 'frame a of .*i.pkl has no depth_path'),
        ([{'frame_id': 'a', 'depth_path': 4}], 'depth_path of frame a of .* must be a path or None, got 4'),
        ([{'frame_id': 'a', 'depth_path': 'x', 'depth_scale': 0}], 'depth_scale of frame a'),
        (['a'], 'item 0 of .*i.pkl is no frame'),
    ],
)
def test_info_file_that_would_count_wrongly_is_refused(folders, tmp_path, items, message):
    (tmp_path / 'i.pkl').write_bytes(pickle.dumps({'data_list': items}))
    result = run('eigen', *folders, '--infos', tmp_path / 'i.pkl')
    assert result.returncode == 1
    assert re.search(message, result.stderr)
    assert 'Traceback' not in result.stderr


DRIVE = '2011_09_26_drive_0002_sync'


@pytest.fixture
def eigen(tmp_path):
    """Two frames of a drive in KITTI's folders, with an info file; returns a function that writes predictions."""
    items = []
    for number in ('0000000054', '0000000069'):
        path = Path('depth') / 'val' / DRIVE / 'proj_depth/groundtruth/image_02' / f'{number}.png'
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(encode_depth(GT))
        items.append({'frame_id': f'{DRIVE}/{number}', 'depth_path': str(path)})
    (tmp_path / 'i.pkl').write_bytes(pickle.dumps({'data_list': items}))

    def predict(*names):
        for i, name in enumerate(names):
            path = tmp_path / 'pred' / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_depth(PRED if i == 0 else GT))  # only the first has an error
        return 'eigen', tmp_path, tmp_path / 'pred', '--infos', tmp_path / 'i.pkl', '--crop', 'none'

    return predict


@pytest.mark.parametrize('name', ['{}_{}.png', 'raw/{}_{}.png', '{}/{}.png', '{}/image_02/data/{}.png'])
def test_predictions_of_other_code_bases_are_paired_with_their_frames(eigen, tmp_path, name):
    args = eigen(name.format(DRIVE, '0000000069'), name.format(DRIVE, '0000000054'))
    result = run(*args, '--json', tmp_path / 'out.json')
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / 'out.json').read_text())
    assert report['frames'] == 2
    assert report['abs_rel'] == pytest.approx(0.0838994 / 2, abs=1e-6)  # the golden number of one frame, 0 of the other
    # Without an info file, the folders of the annotated maps say the same.
    result = run('eigen', tmp_path / 'depth', tmp_path / 'pred', '--crop', 'none')
    assert '2 frames scored' in result.stdout, result.stderr


def test_right_camera_is_not_paired_with_the_truth_of_the_left_one(eigen):
    result = run(*eigen(f'{DRIVE}_0000000069.png', f'{DRIVE}/image_03/0000000054.png'))
    assert result.returncode == 1
    assert f'1 frames have no prediction: {DRIVE}/0000000054.png' in result.stderr


def test_two_predictions_of_a_frame_are_an_error(eigen):
    names = [f'{folder}/{DRIVE}_{number}.png' for folder in ('raw', 'cmap') for number in ('0000000054', '0000000069')]
    result = run(*eigen(*names))
    assert result.returncode == 1
    assert 'names frames twice; give a folder with one file a frame' in result.stderr
    assert f'cmap/{DRIVE}_0000000054.png, raw/{DRIVE}_0000000054.png' in result.stderr


def test_predictions_of_frames_outside_the_info_file_are_counted_and_not_scored(eigen):
    result = run(*eigen(*[f'{DRIVE}_{number:010d}.png' for number in (54, 69, 70)]))
    assert result.returncode == 0, result.stderr
    assert '2 frames scored' in result.stdout
    assert 'warning: 1 predictions are of frames that' in result.stderr
    assert f'{DRIVE}_0000000070.png first' in result.stderr


def test_folder_of_other_files_says_what_it_has(eigen, tmp_path):
    args = eigen()
    (tmp_path / 'pred').mkdir()
    (tmp_path / 'pred/a.exr').write_bytes(b'')
    assert 'it has .exr files, and depth maps are 16-bit PNG, or .npy and .npz of metres,' in run(*args).stderr
    np.save(tmp_path / 'pred/disps_eigen_split.npy', np.zeros(3))
    assert '1 predictions have no ground truth: disps_eigen_split.npy' in run(*args).stderr


def test_missing_folder_and_all_empty_truth_are_errors(folders, tmp_path):
    gt, pred = folders
    assert 'folder not found' in run('eigen', tmp_path / 'nope', pred).stderr
    for name in ('drive/1.png', 'drive/2.png'):
        (gt / name).write_bytes(encode_depth(0 * GT))
    result = run('eigen', gt, pred)
    assert result.returncode == 1
    assert 'no frame could be scored' in result.stderr
