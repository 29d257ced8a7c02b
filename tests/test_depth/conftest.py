import os
import shutil
from pathlib import Path

import pytest
from depth_data import convert

import projects.depth  # noqa: F401 - registers data sets, transforms and metrics


@pytest.fixture(scope='session')
def real_kitti():
    folder = Path(os.environ.get('GEODISTILL_REALDATA', '')) / 'kitti_stereo'
    if 'GEODISTILL_REALDATA' not in os.environ or not folder.is_dir():
        pytest.skip('GEODISTILL_REALDATA does not name a folder with a KITTI pair')
    return folder


@pytest.fixture(scope='session')
def data_root(kitti_root, tmp_path_factory):
    """MiniDrive with info files; shared, so read only."""
    root = tmp_path_factory.mktemp('converted') / 'data'
    shutil.copytree(kitti_root, root)
    result = convert('kitti-depth', '--root-path', root)
    assert result.returncode == 0, result.stderr
    return root


@pytest.fixture
def broken_root(data_root, tmp_path):
    """A copy of it that a test may damage."""
    shutil.copytree(data_root, tmp_path / 'data')
    return tmp_path / 'data'
