"""Reduced decoding and the peers' loading give the picture that the benchmark says they give."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / 'tools' / 'analysis_tools'))

import torch
from ops_benchmarks import dataload


def test_all_loaders_give_the_same_picture_and_another_crop_is_noticed(tmp_path):
    paths = dataload.write_images(tmp_path, 270, 480)
    full = dataload.our_loading(paths, (76, 136), 1)()
    assert full.shape == (6, 76, 136, 3)
    for other in (dataload.our_loading(paths, (76, 136), 2)(), dataload.pil_loading(paths, (76, 136))):
        assert dataload.check('other', other, full) is None
    assert 'grey values differ' in dataload.check('shifted', torch.roll(full, 3, 2), full)
    assert 'images are' in dataload.check('larger', full[:, 1:], full)
