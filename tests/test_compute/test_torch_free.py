"""What the evaluators use of ``projects.compute`` runs where torch is not installed."""

import subprocess
import sys

import pytest

WITHOUT_TORCH = "import sys\nsys.modules['torch'] = None\n"


def run(script):
    return subprocess.run([sys.executable, '-c', WITHOUT_TORCH + script], capture_output=True, text=True)


def test_package_needs_neither_torch_nor_numba():
    result = run("sys.modules['numba'] = None\nfrom projects.compute import numba_enabled")
    assert result.returncode == 0, result.stderr


def test_kernels_are_compiled_without_torch():
    pytest.importorskip('numba')
    result = run(
        'from projects.compute.kernels import kernel\n'
        'from projects.compute.pool import run_tasks\n'
        'from projects.compute.prefetch import LINE, prefetch\n'
        'print(kernel()(lambda x: 2 * x)(LINE))'
    )
    assert result.stdout == '32\n', result.stderr


def test_modules_of_torch_say_so_when_it_is_missing():
    assert 'torch' in run('import projects.compute.precision').stderr
