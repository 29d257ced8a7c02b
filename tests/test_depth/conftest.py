import os
from pathlib import Path

import pytest

import projects.depth  # noqa: F401 - registers data sets, transforms and metrics


@pytest.fixture(scope='session')
def real_kitti():
    folder = Path(os.environ.get('GEODISTILL_REALDATA', '')) / 'kitti_stereo'
    if 'GEODISTILL_REALDATA' not in os.environ or not folder.is_dir():
        pytest.skip('GEODISTILL_REALDATA does not name a folder with a KITTI pair')
    return folder
