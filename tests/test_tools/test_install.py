"""What tools/install.sh asks of pip, with a python in the environment that writes its arguments down."""

import os
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
_SET = ('TORCH', 'TORCH_INDEX', 'CUDA_VISIBLE_DEVICES')
PIN = next(line for line in (REPO / 'requirements.txt').read_text().splitlines() if line.startswith('torch=='))
FAKE = """#!/bin/sh
here=$(dirname "$0")
case "$1 $2 $3" in
"-m pip "*)
    echo "CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES-unset} $*" >>"$here/log"
    case "$*" in
    *uninstall*) rm -f "$here/build" ;;
    *torch==*) echo "$FOUND" >"$here/build" ;;
    esac ;;
"- torch "*) test -e "$here/build" ;;
"- "[a-z]*) exit 1 ;;
"-  ") echo "cpu key" ;;
"-W ignore -c") case "$4" in *'print("cuda" if'*) cat "$here/build" ;; esac ;;
esac
"""


@pytest.fixture
def install(tmp_path):
    """Run the script; returns the finished process and the lines that pip got."""
    for path in ('venv/bin/python', 'path/python3.11'):
        fake = tmp_path / path
        fake.parent.mkdir(parents=True)
        fake.write_text(FAKE)
        fake.chmod(0o755)

    def run(found, there=None, **variables):
        if there:
            (tmp_path / 'venv/bin/build').write_text(there + '\n')
        path = f'{tmp_path / "path"}{os.pathsep}{os.environ["PATH"]}'
        kept = {key: value for key, value in os.environ.items() if key not in _SET}
        environment = {**kept, 'PATH': path, 'FOUND': found, **variables}
        command = ['bash', REPO / 'tools/install.sh', tmp_path / 'venv']
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        log = tmp_path / 'venv/bin/log'
        return done, log.read_text().splitlines() if log.exists() else []

    return run


def torch_lines(lines):
    """What pip was asked for torch, after the options that every call has."""
    return [line.split('--disable-pip-version-check ')[1] for line in lines if 'torch' in line.split()[-1]]


def test_cuda_takes_the_build_of_pypi_with_its_libraries_and_mmcv_without_a_gpu_in_sight(install):
    done, lines = install('cuda', TORCH='cuda')
    assert done.returncode == 0, done.stderr
    assert torch_lines(lines) == [f'install --no-compile {PIN}']
    (mmcv,) = [line for line in lines if line.split()[-1].startswith('mmcv==')]
    assert mmcv.startswith('CUDA_VISIBLE_DEVICES= ')
    assert not [line for line in lines if 'CUDA_VISIBLE_DEVICES= ' in line and 'mmcv' not in line]


def test_the_index_of_a_cuda_version_can_be_named(install):
    done, lines = install('cuda', TORCH='cuda', TORCH_INDEX='https://download.pytorch.org/whl/cu126')
    assert done.returncode == 0, done.stderr
    assert torch_lines(lines) == [f'install --no-compile --index-url https://download.pytorch.org/whl/cu126 {PIN}']


def test_without_a_word_the_cpu_build_is_taken_without_libraries(install):
    done, lines = install('cpu')
    assert done.returncode == 0, done.stderr
    assert torch_lines(lines) == [f'install --no-compile --no-deps --no-index {PIN}']


def test_a_build_for_the_cpu_that_is_there_is_replaced(install):
    done, lines = install('cuda', there='cpu', TORCH='cuda')
    assert done.returncode == 0, done.stderr
    assert torch_lines(lines) == ['uninstall -q -y torch', f'install --no-compile {PIN}']


def test_a_build_that_is_there_is_kept(install):
    done, lines = install('cuda', there='cuda', TORCH='cuda')
    assert done.returncode == 0, done.stderr
    assert torch_lines(lines) == []


def test_a_torch_without_cuda_in_place_of_one_with_it_is_an_error(install):
    done, _ = install('cpu', TORCH='cuda')
    assert done.returncode == 1
    assert 'pip found a torch without CUDA. Unset PIP_FIND_LINKS' in done.stderr


def test_an_unknown_build_is_refused(install):
    done, lines = install('cuda', TORCH='rocm')
    assert (done.returncode, lines) == (1, [])
    assert 'TORCH=rocm is neither cpu nor cuda' in done.stderr
