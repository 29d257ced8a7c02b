"""The tool that compiles kernels ahead; each test starts processes of its own, which know no kernels yet."""

import os
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
TOOL = REPO / 'tools/misc/compile_kernels.py'

# What was compiled, or read from the disk, has signatures; so this holds whatever the cache on disk has.
STEPS = """
import sys
from importlib import import_module
sys.path.insert(0, 'tools/analysis_tools')
for package in ('rendering', 'occupancy'):
    for workload in import_module(f'projects.{package}.precompile').WORKLOADS.values():
        workload()
from projects.compute.kernels import KERNELS

import torch
from mmengine.config import Config
from ops_benchmarks import step


def signatures():
    return {(k.py_func.__module__, k.py_func.__name__, str(s)) for k in KERNELS for s in k.signatures}


ahead = signatures()
from_file = Config.fromfile
for field, dtype in (('voxel', torch.float32), ('voxel', torch.bfloat16), ('trilinear', torch.float32)):
    class Chosen:
        @staticmethod
        def fromfile(path):
            config = from_file(path)
            config.model.shared.rays.geometry.field = field
            return config

    step.Config = Chosen
    step.Steps(num_rays=256).step(step.RADOCC, dtype)()
print(len(ahead), sorted(signatures() - ahead))
"""


def run(*arguments, **environment):
    environment = {**os.environ, 'PYTHONPATH': str(REPO), 'PYTHONWARNINGS': 'ignore', **environment}
    return subprocess.run([sys.executable, *arguments], cwd=REPO, env=environment, capture_output=True, text=True)


def test_first_radocc_step_has_nothing_left_to_compile():
    result = run('-c', STEPS)
    assert result.returncode == 0, result.stderr
    count, missing = result.stdout.splitlines()[-1].split(' ', 1)
    assert int(count) > 20
    assert missing == '[]'


def test_second_run_finds_the_kernels_of_the_first(tmp_path):
    outputs = [run(TOOL, 'occ_eval', NUMBA_CACHE_DIR=str(tmp_path)).stdout for _ in range(2)]
    assert not outputs[0].startswith('0 kernels compiled now')
    assert outputs[1].startswith('0 kernels compiled now')


def test_tool_says_where_it_cannot_write(tmp_path):
    (tmp_path / 'file').write_text('')
    result = run(TOOL, 'occ_eval', NUMBA_CACHE_DIR=str(tmp_path / 'file'))
    assert result.returncode == 1
    assert 'no folder for compiled kernels can be written' in result.stderr
    assert 'Traceback' not in result.stderr


def test_package_that_has_no_kernels_is_refused_with_those_that_have():
    result = run(TOOL, 'occupany')
    assert result.returncode == 2
    assert 'choose from minidrive, rendering, occupancy, occ_eval' in result.stderr
