"""Runs the converter of depth data, and builds data sets on what it wrote."""

import io
import pickle
import runpy
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmdet3d.registry import DATASETS

TOOL = Path(__file__).resolve().parents[1] / 'tools' / 'create_data.py'
PIPELINE = [{'type': 'LoadDepthImages'}, {'type': 'LoadDepthMap'}, {'type': 'PackDepthInputs'}]


def convert(*args):
    """Run ``tools/create_data.py`` in this process, since its imports take seconds."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.syspath_prepend(str(TOOL.parent))
        patch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(TOOL), run_name='__main__')
    return SimpleNamespace(returncode=end.value.code, stdout=out.getvalue(), stderr=err.getvalue())


def build(root, stereo=True, split='train', test_mode=False, kind='KITTIDepthDataset', ann_file=None):
    ann_file = ann_file or f'kitti-depth_infos_{split}.pkl'
    config = {'type': kind, 'data_root': str(root), 'ann_file': ann_file, 'stereo': stereo, 'pipeline': PIPELINE}
    return DATASETS.build(dict(config, test_mode=test_mode))


def left_images(root):
    return sorted(root.glob('raw/*/*/image_02/data/*.png'))


def infos(root, name='kitti-depth_infos_train.pkl'):
    return pickle.loads((root / name).read_bytes())['data_list']
