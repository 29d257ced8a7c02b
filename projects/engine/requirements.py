"""Whether mmcv is there with its compiled operations; pip does not see to that, see setup.py."""

import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from mmengine.utils import digit_version

#: First version that fits and first that does not fit any more; as the extra ``mmcv`` of setup.py.
MMCV_VERSIONS = ('2.0.0rc4', '2.2')


def require_mmcv() -> None:
    """Look for mmcv without importing it.

    Raises:
        ImportError: If it is missing, has no compiled operations or another version; says how to install it.
    """
    spec = find_spec('mmcv')
    folders = [Path(folder) for folder in (spec.submodule_search_locations if spec else None) or ()]
    lowest, too_high = MMCV_VERSIONS
    if not folders:
        found = 'mmcv is not installed'
    elif not any(path.suffix in ('.so', '.pyd') for folder in folders for path in folder.glob('_ext.*')):
        found = f'mmcv in {folders[0]} has no compiled operations (mmcv-lite?)'
    elif not digit_version(lowest) <= digit_version(_version()) < digit_version(too_high):
        found = f'mmcv {_version()} is installed'
    else:
        return
    raise ImportError(
        f'{found}, needed is mmcv>={lowest},<{too_high} with its operations. pip cannot build it by itself: run\n'
        f'    bash tools/mmcv_wheel/install.sh {sys.executable}\n'
        'in the folder of GeoDistill3D (about 3 minutes; needs g++), or install a wheel of OpenMMLab for your torch.'
    )


def _version() -> str:
    try:
        return version('mmcv')
    except PackageNotFoundError:  # a checkout on PYTHONPATH; mmdet3d looks at its version
        return MMCV_VERSIONS[0]
