import importlib.util
import sys

import pytest
from fake_nuscenes import write_fake_nuscenes
from PIL import Image


@pytest.mark.parametrize('split', ['train', 'val'])
def test_browse_dataset_draws_samples_of_a_split(tmp_path, repo, monkeypatch, split):
    monkeypatch.syspath_prepend(str(repo / 'tools'))
    from dataset_converters.occ3d_nuscenes import Occ3DConverter

    root = write_fake_nuscenes(tmp_path / 'nuscenes')
    Occ3DConverter(str(root), 'v1.0-minidrive', str(root), workers=1).run()
    spec = importlib.util.spec_from_file_location('browse_dataset', repo / 'tools/misc/browse_dataset.py')
    browse = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(browse)
    options = ['--output-dir', str(tmp_path / 'out'), '--num', '2', '--split', split, '--width', '600']
    data_root = f'{split}_dataloader.dataset.data_root={root}'
    config = str(repo / 'configs/_base_/datasets/minidrive-occ.py')
    monkeypatch.setattr(sys, 'argv', ['browse_dataset.py', config, *options, '--cfg-options', data_root])
    browse.main()
    pictures = sorted((tmp_path / 'out').iterdir())
    assert len(pictures) == 2
    with Image.open(pictures[0]) as picture:
        assert picture.width == 600
