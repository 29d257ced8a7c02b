from pathlib import Path

import pytest
from nuscenes import NuScenes

from projects.minidrive import VERSION, generate, generate_kitti


@pytest.fixture(scope='session')
def minidrive_root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('minidrive') / 'data'
    generate(root, 'tiny', seed=0, workers=2, progress=False)
    return root


@pytest.fixture(scope='session')
def kitti_root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('kitti') / 'data'
    generate_kitti(root, 'tiny', seed=0, progress=False)
    return root


@pytest.fixture(scope='session')
def nusc(minidrive_root) -> NuScenes:
    return NuScenes(VERSION, str(minidrive_root), verbose=False)
