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


WITHOUT_MMCV = """
import importlib, sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *place: None if name == 'mmcv' else find(name, *place)
for package in sys.argv[1:]:
    try:
        importlib.import_module(f'projects.{package}')
    except ImportError as error:
        print(package, ' '.join(str(error).split()))
"""


def test_without_mmcv_every_package_says_how_to_install_it():
    packages = ['engine', 'occupancy', 'depth', 'distillation', 'radocc', 'adudepth']
    command = [sys.executable, '-W', 'ignore', '-c', WITHOUT_MMCV, *packages]
    lines = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[0] for line in lines] == packages
    for line in lines:
        assert 'mmcv is not installed' in line
        assert 'bash tools/mmcv_wheel/install.sh' in line


def test_range_of_mmcv_is_the_same_in_setup():
    from projects.engine.requirements import MMCV_VERSIONS

    assert 'mmcv>={},<{}'.format(*MMCV_VERSIONS) in (REPO / 'setup.py').read_text()
