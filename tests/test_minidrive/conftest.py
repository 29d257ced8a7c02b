import pytest
from nuscenes import NuScenes

from projects.minidrive import VERSION


@pytest.fixture(scope='session')
def nusc(minidrive_root) -> NuScenes:
    return NuScenes(VERSION, str(minidrive_root), verbose=False)
