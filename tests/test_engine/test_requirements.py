import subprocess
import sys
from pathlib import Path

import pytest

from projects.engine import require_mmcv

REPO = Path(__file__).resolve().parents[2]


def install(folder, version, files):
    """An mmcv as pip would leave it, with nothing in it."""
    for name in files:
        (folder / 'mmcv').mkdir(exist_ok=True)
        (folder / 'mmcv' / name).write_text('')
    info = folder / f'mmcv-{version}.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: mmcv\nVersion: {version}\n')


@pytest.mark.parametrize(
    ('version', 'files', 'message'),
    [
        ('2.1.0', ['__init__.py', '_ext.cpython-311-x86_64-linux-gnu.so'], None),
        ('2.0.0rc4', ['__init__.py', '_ext.abi3.so'], None),
        ('2.1.0', ['__init__.py'], 'has no compiled operations'),
        ('2.2.0', ['__init__.py', '_ext.abi3.so'], 'mmcv 2.2.0 is installed, needed is mmcv>=2.0.0rc4,<2.2'),
        ('1.7.2', ['__init__.py', '_ext.abi3.so'], 'mmcv 1.7.2 is installed'),
    ],
)
def test_mmcv_needs_its_operations_and_a_version_that_mmdet3d_takes(tmp_path, monkeypatch, version, files, message):
    install(tmp_path, version, files)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, 'mmcv', raising=False)
    if message is None:
        require_mmcv()
        return
    with pytest.raises(ImportError, match=message) as caught:
        require_mmcv()
    assert 'bash tools/mmcv_wheel/install.sh' in str(caught.value)
    assert (REPO / 'tools/mmcv_wheel/install.sh').is_file()


@pytest.mark.parametrize('package', ['engine', 'occupancy', 'depth', 'distillation', 'radocc', 'adudepth'])
def test_without_mmcv_every_package_says_how_to_install_it(package):
    script = (
        'import sys\nfrom importlib.machinery import PathFinder\n'
        'find = PathFinder.find_spec\n'
        'PathFinder.find_spec = lambda name, *place: None if name == "mmcv" else find(name, *place)\n'
        f'import projects.{package}'
    )
    result = subprocess.run([sys.executable, '-W', 'ignore', '-c', script], cwd=REPO, capture_output=True, text=True)
    assert result.returncode == 1
    assert 'ImportError: mmcv is not installed' in result.stderr
    assert 'bash tools/mmcv_wheel/install.sh' in result.stderr


def test_range_of_mmcv_is_the_same_in_setup():
    from projects.engine.requirements import MMCV_VERSIONS

    assert 'mmcv>={},<{}'.format(*MMCV_VERSIONS) in (REPO / 'setup.py').read_text()
