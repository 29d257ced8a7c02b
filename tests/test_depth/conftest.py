import os
from pathlib import Path

import pytest

import projects.depth  # noqa: F401 - registers data sets, transforms and metrics
from projects.minidrive import generate_kitti


@pytest.fixture(scope='session')
def kitti_root(tmp_path_factory):
    root = tmp_path_factory.mktemp('minidrive-kitti') / 'data'
    generate_kitti(root, 'tiny', seed=0, progress=False)
    return root


@pytest.fixture(scope='session')
def real_kitti():
    folder = Path(os.environ.get('GEODISTILL_REALDATA', '')) / 'kitti_stereo'
    if 'GEODISTILL_REALDATA' not in os.environ or not folder.is_dir():
        pytest.skip('GEODISTILL_REALDATA does not name a folder with a KITTI pair')
    return folder
