import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from projects.depth_eval import encode_depth
from projects.depth_eval.submission import check_kitti_depth, pack_kitti_depth

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'submission.py'
GOOD = encode_depth(np.full((352, 1216), 10.0))


@pytest.fixture
def predictions(tmp_path):
    folder = tmp_path / 'predictions'
    folder.mkdir()
    for index in range(500):
        (folder / f'{index:010d}.png').write_bytes(GOOD)
    return folder


def test_500_maps_at_the_root_are_packed_and_pass_the_check(predictions, tmp_path):
    result = subprocess.run(
        [sys.executable, str(TOOL), 'kitti-depth', 'pack', str(predictions), '--out', str(tmp_path / 'a.zip')],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert check_kitti_depth(tmp_path / 'a.zip') == []
    with zipfile.ZipFile(tmp_path / 'a.zip') as archive:
        assert archive.namelist() == [f'{i:010d}.png' for i in range(500)]
    assert pack_kitti_depth(predictions, tmp_path / 'b.zip') == []
    assert (tmp_path / 'a.zip').read_bytes() == (tmp_path / 'b.zip').read_bytes()


def test_everything_wrong_is_named_at_once_and_nothing_is_written(predictions, tmp_path):
    (predictions / '0000000003.png').unlink()
    (predictions / 'notes.txt').write_text('x')
    (predictions / '0000000007.png').write_bytes(encode_depth(np.ones((375, 1242))))
    (predictions / '0000000008.png').write_bytes(encode_depth(np.zeros((352, 1216))))
    (predictions / '0000000009.png').write_bytes(GOOD[:1000])
    problems = pack_kitti_depth(predictions, tmp_path / 'a.zip')
    assert not (tmp_path / 'a.zip').exists()
    text = '\n'.join(problems)
    for part in (
        '1 files are missing: 0000000003.png',
        '1 files do not belong there: notes.txt',
        '0000000007.png must have the size 352x1216 of the test images, got 375x1242',
        '0000000008.png is empty',
        '0000000009.png is truncated',
    ):
        assert part in text
    assert len(problems) == 5


def test_check_refuses_folders_in_the_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
        for index in range(500):
            archive.writestr(f'depth/{index:010d}.png', GOOD)
    problems = check_kitti_depth(tmp_path / 'a.zip')
    assert any('at the root' in problem for problem in problems)
    assert any(problem.startswith('500 files are missing') for problem in problems)


def test_check_refuses_a_damaged_archive(tmp_path):
    (tmp_path / 'a.zip').write_bytes(b'PK\x03\x04 no archive')
    result = subprocess.run(
        [sys.executable, str(TOOL), 'kitti-depth', 'check', str(tmp_path / 'a.zip')], capture_output=True, text=True
    )
    assert result.returncode == 1
    assert 'no zip file' in result.stderr
