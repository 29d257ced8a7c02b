import pytest
from fake_nuscenes import write_fake_nuscenes


@pytest.fixture
def root(tmp_path):
    return write_fake_nuscenes(tmp_path / 'nuscenes')
