"""The notebook runs from its first cell to the last, in an empty folder."""

import json
import shutil

import numpy as np


def cells_of(path):
    """Sources of the code cells."""
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    return [''.join(cell['source']) for cell in cells if cell['cell_type'] == 'code']


def test_every_cell_runs(repo, minidrive_root, kitti_root, tmp_path, monkeypatch):
    """The data sets are there, which the commands of the notebook find complete."""
    monkeypatch.chdir(tmp_path)
    for root in (minidrive_root, kitti_root):
        shutil.copytree(root, tmp_path / 'data' / root.name)
    names = {}
    for source in cells_of(repo / 'demo/inference.ipynb'):
        exec(compile(source, 'demo/inference.ipynb', 'exec'), names)
    assert names['prediction']['pred_occ'].shape == (200, 200, 16)
    assert (tmp_path / f'out/preds/{names["prediction"]["token"]}.npz').is_file()
    assert names['five']['predictions'][0]['token'] == 'five_cameras'
    assert np.array_equal(names['by_image']['pred_depth'], names['by_id']['pred_depth'])


def test_the_notebook_is_stored_without_outputs(repo):
    cells = json.loads((repo / 'demo/inference.ipynb').read_text(encoding='utf-8'))['cells']
    assert not any(cell.get('outputs') for cell in cells)
