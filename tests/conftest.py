"""Fixtures of all tests: one thread, fixed seeds, the real samples when they are at hand, and toy training runs."""

import gc
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from shared_data import COMMAND, KITTI_COMMAND, make_once
from tool_server import ToolServer

REPO = Path(__file__).resolve().parents[1]
TOY_FOLDER = REPO / 'tests' / 'test_engine'

torch.set_num_threads(int(os.environ['OMP_NUM_THREADS']))


@pytest.fixture(scope='module', autouse=True)
def _freeze_what_is_imported():
    """Data sets collect garbage when they are built, for half a second if they look through all libraries."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _seed_all():
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _mmdet3d_scope():
    """Registries resolve names as in our configs, whatever scope a Runner of an earlier test left behind."""
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        yield


@pytest.fixture(scope='session')
def repo():
    """Root of the repository."""
    return REPO


@pytest.fixture(scope='session')
def realdata():
    """Folder of the real nuScenes, Occ3D and KITTI samples; skips without GEODISTILL_REALDATA."""
    folder = os.environ.get('GEODISTILL_REALDATA')
    if not folder:
        pytest.skip('set GEODISTILL_REALDATA to the folder of real samples')
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f'GEODISTILL_REALDATA={folder} is not a folder')
    return path


@pytest.fixture(scope='session')
def toys():
    """The module of toy data sets and models, registered in this process."""
    sys.path.insert(0, str(TOY_FOLDER))
    import toy_models

    return toy_models


@pytest.fixture(scope='session')
def tool_server():
    """Runs tools without importing the libraries anew for each; started by the first test that needs it."""
    with ToolServer() as running:
        yield running


@pytest.fixture(scope='session')
def minidrive_root(tmp_path_factory, tool_server):
    """MiniDrive of the smallest size in the format of nuScenes; shared by all workers, so read only."""
    return make_once(COMMAND, tmp_path_factory, tool_server)


@pytest.fixture(scope='session')
def kitti_root(tmp_path_factory, tool_server):
    """MiniDrive of the smallest size in the format of KITTI; shared by all workers, so read only."""
    return make_once(KITTI_COMMAND, tmp_path_factory, tool_server)


@pytest.fixture(scope='session')
def run_python(request):
    """Run a Python program of this repository in a process of its own, with the toy models importable.

    Tools without variables of their own run in the tool server, which saves them the seconds of the imports.
    """
    path = os.pathsep.join([str(REPO), str(TOY_FOLDER), os.environ.get('PYTHONPATH', '')])

    def fresh(command, timeout, env):
        environment = {**os.environ, 'PYTHONPATH': path, 'OMP_NUM_THREADS': '1', **env}
        environment['PATH'] = os.pathsep.join([str(Path(sys.executable).parent), environment['PATH']])
        # Files, not pipes: DataLoader workers that outlive a killed parent would keep a pipe open for seconds.
        with tempfile.TemporaryFile('w+') as out, tempfile.TemporaryFile('w+') as err:
            code = subprocess.run(
                command, cwd=REPO, env=environment, stdout=out, stderr=err, timeout=timeout
            ).returncode
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(command, code, out.read(), err.read())

    def run(*args, check=True, timeout=120, **env):
        command = list(map(str, args))
        if command[0].startswith('tools/') and not env:
            done = request.getfixturevalue('tool_server').run(command, REPO, timeout, {'PYTHONPATH': path})
            result = subprocess.CompletedProcess(command, done.code, done.stdout, done.stderr)
        else:
            result = fresh(command if command[0] == 'bash' else [sys.executable, *command], timeout, env)
        if check and result.returncode:
            pytest.fail(f'{command} ended with {result.returncode}\n{result.stdout[-3000:]}\n{result.stderr[-5000:]}')
        return result

    return run
