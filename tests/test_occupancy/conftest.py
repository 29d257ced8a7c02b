"""Fixtures of the occupancy tests."""

import pickle

import numpy as np
import pytest
from fake_nuscenes import write_fake_nuscenes
from mmengine.registry import init_default_scope

import projects.occupancy  # noqa: F401 - it registers its classes


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmdet3d')


@pytest.fixture(scope='session')
def converter_class():
    """The converter behind tools/create_data.py."""
    import sys
    from pathlib import Path

    tools = str(Path(__file__).parents[2] / 'tools')
    if tools not in sys.path:
        sys.path.insert(0, tools)
    from dataset_converters.occ3d_nuscenes import Occ3DConverter

    return Occ3DConverter


@pytest.fixture(scope='session')
def _converted(tmp_path_factory, converter_class):
    root = write_fake_nuscenes(tmp_path_factory.mktemp('nuscenes'))
    converter_class(str(root), 'v1.0-minidrive', str(root), workers=1).run()
    return root


@pytest.fixture
def nuscenes_root(_converted):
    """Root of a tiny data set with info files; shared, so read only."""
    return _converted


@pytest.fixture
def own_root(tmp_path, converter_class):
    """Root of a tiny data set with info files that a test may damage."""
    root = write_fake_nuscenes(tmp_path / 'nuscenes')
    converter_class(str(root), 'v1.0-minidrive', str(root), workers=1).run()
    return root


@pytest.fixture
def edit_infos():
    """Function that changes the items of an info file in place."""

    def edit(path, change):
        content = pickle.loads(path.read_bytes())
        for item in content['data_list']:
            change(item)
        path.write_bytes(pickle.dumps(content))

    return edit


@pytest.fixture
def lidarseg_root(own_root, edit_infos):
    """A tiny data set with lidarseg labels (cars and roads in turns)."""

    def label(item):
        path = f'lidarseg/{item["lidar_points"]["sample_data_token"]}_lidarseg.bin'
        (own_root / 'lidarseg').mkdir(exist_ok=True)
        np.tile(np.array([17, 24], np.uint8), 150).tofile(own_root / path)
        item['pts_semantic_mask_path'] = path

    for split in ('train', 'val'):
        edit_infos(own_root / f'occ3d-nus_infos_{split}.pkl', label)
    return own_root
