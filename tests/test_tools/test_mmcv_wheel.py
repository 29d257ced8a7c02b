"""The compiler that mmcv is built with, and the check of what came out."""

import importlib.util
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

TOOLS = Path(__file__).resolve().parents[2] / 'tools/mmcv_wheel'
needs_gcc = pytest.mark.skipif(not (shutil.which('g++') and shutil.which('flock')), reason='needs g++ and flock')

HEADER = '#pragma once\n#include <vector>\ninline int answer() { return 42; }\n'
SOURCE = '#include "common.hpp"\nint main() { return answer() + SHIFT - 43; }\n'


@pytest.fixture
def project(tmp_path):
    (tmp_path / 'common.hpp').write_text(HEADER)
    for name in 'ab':
        (tmp_path / f'{name}.cpp').write_text(SOURCE)
    return tmp_path


def compile_file(folder, name, *flags):
    command = ['bash', TOOLS / 'cxx.sh', '-MMD', '-MF', f'{name}.d', '-DSHIFT=1', f'-I{folder}', *flags]
    environment = {**os.environ, 'HEADER_CXX': 'g++', 'HEADER': str(folder / 'common.hpp')}
    return subprocess.run(
        [*command, '-c', f'{name}.cpp', '-o', f'{name}.o'], cwd=folder, env=environment, capture_output=True, text=True
    )


def runs(folder, name):
    subprocess.run(['g++', f'{name}.o', '-o', name], cwd=folder, check=True)
    return subprocess.run([folder / name]).returncode == 0


@needs_gcc
def test_files_after_the_first_read_the_precompiled_header(project):
    assert compile_file(project, 'a').returncode == 0
    assert (project / 'common.hpp.gch').is_file()
    (project / 'common.hpp').write_text('#error "read again"\n')
    result = compile_file(project, 'b')
    assert (result.returncode, result.stderr) == (0, '')
    assert runs(project, 'a')
    assert runs(project, 'b')


@needs_gcc
def test_compilers_that_start_at_once_share_one_header(project):
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda name: compile_file(project, name), 'ab'))
    assert [result.returncode for result in results] == [0, 0]
    assert (project / 'common.hpp.gch').is_file()
    assert not (project / 'common.hpp.gch.part').exists()
    assert runs(project, 'a')
    assert runs(project, 'b')


@needs_gcc
def test_header_that_does_not_compile_alone_is_read_as_usual(project):
    (project / 'common.hpp').write_text('#ifndef READY\n#error "not alone"\n#endif\n' + HEADER)
    (project / 'a.cpp').write_text('#define READY\n' + SOURCE)
    assert compile_file(project, 'a').returncode == 0
    assert 'not alone' in (project / 'common.hpp.gch.failed').read_text()
    assert runs(project, 'a')


@needs_gcc
def test_file_with_other_flags_than_the_header_is_compiled_as_usual(project):
    assert compile_file(project, 'a').returncode == 0
    result = compile_file(project, 'b', '-std=c++14', '-funsigned-char')
    assert result.returncode == 0
    assert runs(project, 'b')


@needs_gcc
def test_error_of_a_file_is_told_once(project):
    (project / 'a.cpp').write_text('#include "common.hpp"\nint main() { return unknown; }\n')
    result = compile_file(project, 'a')
    assert result.returncode != 0
    assert result.stderr.count('‘unknown’ was not declared') + result.stderr.count("'unknown' was not declared") == 1


@pytest.fixture
def check():
    spec = importlib.util.spec_from_file_location('check_mmcv', TOOLS / 'check.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_installed_operations_compute_what_they_should(check):
    check.check_ops()


def test_operation_that_computes_something_else_is_found(check, monkeypatch):
    import mmcv.ops

    monkeypatch.setattr(mmcv.ops, 'nms', lambda boxes, scores, iou_threshold: (None, torch.arange(3)))
    with pytest.raises(ValueError, match=r'nms kept boxes \[0, 1, 2\], expected \[0, 2\]'):
        check.check_ops()
