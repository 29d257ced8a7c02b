"""Predicted depth in arrays of metres, as other code bases save it: scored, packed, and refused by name."""

import re

import numpy as np
import pytest

from projects.depth_eval import encode_depth, submission
from projects.depth_eval.maps import read_prediction
from projects.depth_eval.pairing import pair_files
from projects.depth_eval.protocol import EigenProtocol, score_pairs

GT = np.array([[10, 20, 40, 0, 79.5, 5]])
PRED = np.array([[11, 18, 44, 7, 70, 5]])
ABS_REL = 0.0838994  # 1/10, 2/20, 4/40, 9.5/79.5 and 0 over five pixels
DRIVE = '2011_09_26_drive_0002_sync'


def score(tmp_path):
    pairs, extra = pair_files(tmp_path / 'gt', tmp_path / 'pred')
    return score_pairs(pairs, EigenProtocol('none'), 1), extra


@pytest.fixture
def folders(tmp_path):
    for name in ('gt', 'pred'):
        (tmp_path / name).mkdir()
    (tmp_path / f'gt/{DRIVE}').mkdir()
    (tmp_path / f'gt/{DRIVE}/0000000005.png').write_bytes(encode_depth(GT))
    return tmp_path


@pytest.mark.parametrize(
    'save',
    [
        lambda path: np.save(f'{path}.npy', PRED.astype(np.float32)),
        lambda path: np.save(f'{path}.npy', PRED.astype(np.float64)[None]),
        lambda path: np.savez_compressed(f'{path}.npz', PRED.astype(np.float16)[..., None]),
        lambda path: np.savez_compressed(f'{path}.npz', anything=PRED.astype(np.float32)),
        lambda path: np.savez_compressed(f'{path}.npz', depth=PRED.astype(np.float32), other=np.zeros(3)),
    ],
)
def test_arrays_of_metres_have_the_score_of_the_same_png(folders, save):
    save(folders / f'pred/{DRIVE}_0000000005')
    report, extra = score(folders)
    assert report['abs_rel'] == pytest.approx(ABS_REL, abs=1e-6)
    assert (report['frames'], extra) == (1, [])


def test_nan_of_an_array_is_an_error_of_its_frame(folders):
    np.save(folders / f'pred/{DRIVE}_0000000005.npy', np.where(PRED == 44, np.nan, PRED))
    report, _ = score(folders)
    assert report['frames'] == 0
    assert re.search(r'0000000005\.png: prediction holds NaN or infinity at 1 of 6 pixels', report['errors'][0])


@pytest.mark.parametrize(
    ('array', 'message'),
    [
        (np.full((2, 3), 2560, np.uint16), 'must hold metres in floating-point numbers, got uint16; divide by the'),
        (np.ones((2, 2, 3), np.float32), r'one depth map of the shape \(H, W\), got \(2, 2, 3\)'),
        (np.ones(6, np.float32), r'got \(6,\); write one file a frame'),
    ],
)
def test_other_arrays_are_refused_with_what_was_expected(tmp_path, array, message):
    np.save(tmp_path / 'a.npy', array)
    with pytest.raises(ValueError, match=message):
        read_prediction(str(tmp_path / 'a.npy'))


def test_half_written_array_is_refused(tmp_path):
    np.save(tmp_path / 'a.npy', PRED.astype(np.float32))
    (tmp_path / 'a.npy').write_bytes((tmp_path / 'a.npy').read_bytes()[:-3])
    with pytest.raises(ValueError, match=r'a\.npy should hold \(1, 6\) of float32, but has 21 bytes'):
        read_prediction(str(tmp_path / 'a.npy'))


def test_two_arrays_of_a_frame_are_an_error_and_arrays_beside_png_files_are_none(folders):
    name = folders / f'pred/{DRIVE}_0000000005'
    np.save(f'{name}.npy', PRED.astype(np.float32))
    np.savez(f'{name}.npz', PRED.astype(np.float32))
    with pytest.raises(ValueError, match='are both predictions of one frame'):
        score(folders)
    (folders / f'pred/{DRIVE}_0000000005.png').write_bytes(encode_depth(GT))  # perfect
    assert score(folders)[0]['abs_rel'] == 0


def test_arrays_are_packed_as_the_png_files_of_the_same_depth(tmp_path, monkeypatch):
    monkeypatch.setattr(submission, 'NAMES', submission.NAMES[:2])
    depth = np.random.default_rng(0).uniform(1, 90, (352, 1216)).astype(np.float32)
    for folder in ('png', 'npy', 'bad'):
        (tmp_path / folder).mkdir()
    for stem in ('0000000000', '0000000001'):
        (tmp_path / f'png/{stem}.png').write_bytes(encode_depth(depth))
        np.save(tmp_path / f'npy/{stem}.npy', depth)
    for folder in ('png', 'npy'):
        assert submission.pack_kitti_depth(tmp_path / folder, tmp_path / f'{folder}.zip') == []
    assert (tmp_path / 'png.zip').read_bytes() == (tmp_path / 'npy.zip').read_bytes()
    np.save(tmp_path / 'bad/0000000000.npy', np.where(depth < 2, np.nan, depth))
    np.save(tmp_path / 'bad/0000000001.npy', depth[:-1])
    first, second = submission.pack_kitti_depth(tmp_path / 'bad', tmp_path / 'bad.zip')
    assert re.search(r'0000000000\.npy: depth must not hold NaN or negative values', first)
    assert '0000000001.png must have the size 352x1216 of the test images, got 351x1216' in second
