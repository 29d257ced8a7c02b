"""Each test starts processes of its own, since the cache on disk is about what the next process finds."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('numba')
REPO = Path(__file__).resolve().parents[2]

TWO_FILES = {
    'mine/helper.py': 'from projects.compute.kernels import kernel\n\n@kernel()\ndef scale(x):\n    return 2 * x\n',
    'mine/main.py': 'from projects.compute.kernels import kernel\nfrom .helper import scale\n\n'
    '@kernel()\ndef scaled_sum(x, y):\n    return scale(x) + scale(y)\n\n'
    'print(scaled_sum(3, 4), sum(scaled_sum.stats.cache_hits.values()))\n',
}


def run(arguments, root, cache):
    environment = {**os.environ, 'PYTHONPATH': f'{root}{os.pathsep}{REPO}', 'NUMBA_CACHE_DIR': str(cache)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)


@pytest.fixture
def two_files(tmp_path):
    for name, text in TWO_FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_kernel_is_announced_when_compiled_and_not_when_read_from_disk(two_files):
    first = run(['-m', 'mine.main'], two_files, two_files / 'cache')
    assert first.stdout.split() == ['14', '0']
    assert first.stderr.count('compiling kernels for the CPU, once') == 1
    second = run(['-m', 'mine.main'], two_files, two_files / 'cache')
    assert second.stdout.split() == ['14', '1']
    assert 'compiling' not in second.stderr


def test_change_of_a_helper_in_another_file_reaches_a_kernel_on_disk(two_files):
    run(['-m', 'mine.main'], two_files, two_files / 'cache')
    helper = two_files / 'mine/helper.py'
    helper.write_text(helper.read_text().replace('2 * x', '3 * x'))
    assert run(['-m', 'mine.main'], two_files, two_files / 'cache').stdout.split() == ['21', '0']


def test_change_of_the_shared_arithmetic_reaches_the_kernels_of_rendering(tmp_path):
    for package in ('compute', 'rendering'):
        shutil.copytree(REPO / 'projects' / package, tmp_path / 'projects' / package)
    script = (
        'import numpy as np\nfrom projects.rendering.voxel.numba_kernels import _opacities\n'
        'out = np.zeros(1, np.float32)\n_opacities(np.full(1, 30, np.float32), out)\nprint(out[0])'
    )
    assert run(['-c', script], tmp_path, tmp_path / 'cache').stdout == '1.0\n'
    shared = tmp_path / 'projects/rendering/common/numba_math.py'
    text = shared.read_text()
    assert text.count('return one - exp(-x)') == 1
    shared.write_text(text.replace('return one - exp(-x)', 'return one + one'))
    assert run(['-c', script], tmp_path, tmp_path / 'cache').stdout == '2.0\n'


def test_kernel_runs_where_no_folder_can_be_written_and_says_what_to_do(two_files):
    blocked = two_files / 'a_file'
    blocked.write_text('')
    result = run(['-m', 'mine.main'], two_files, blocked)
    assert result.stdout.split() == ['14', '0']
    assert 'for this process' in result.stderr
    assert 'set NUMBA_CACHE_DIR' in result.stderr


def test_cache_goes_to_the_user_where_the_package_cannot_be_written(two_files):
    (two_files / 'mine/__pycache__').write_text('')  # a file: no folder can be made there
    environment = {'XDG_CACHE_HOME': str(two_files / 'user')}
    script = f'import os; os.environ.update({environment}); del os.environ["NUMBA_CACHE_DIR"]\nimport mine.main'
    result = run(['-B', '-c', script], two_files, '')
    assert result.stdout.split() == ['14', '0']
    assert list((two_files / 'user/geodistill3d').rglob('*.nbc'))


def test_every_kernel_of_ours_has_this_cache():
    compilers = {'njit', 'jit', 'vectorize', 'guvectorize', 'cfunc', 'stencil'}
    wrong = []
    for path in sorted((REPO / 'projects').rglob('*.py')):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or '').split('.')[0] == 'numba':
                names = {alias.name for alias in node.names}
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == 'numba':
                names = {node.attr}
            else:
                continue
            wrong += [f'{path.relative_to(REPO)}:{node.lineno}'] if names & compilers else []
    assert [place.split(':')[0] for place in wrong] == ['projects/compute/kernels.py']
