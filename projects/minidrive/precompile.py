"""Small scenes that compile every kernel of this package."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from .formats.kitti_record import record_drive
from .formats.nuscenes_record import record_scene
from .presets import Preset

_SMALL = Preset('small', (48, 80), train_scenes=1, val_scenes=1, keyframes=(1, 1), sweeps=0)


def _record() -> None:
    with tempfile.TemporaryDirectory() as folder:
        record_scene(_SMALL, 0, 0, Path(folder) / 'nuscenes')
        record_drive(_SMALL, 0, 0, Path(folder) / 'kitti')


#: What to run, by what it is.
WORKLOADS: dict[str, Callable[[], None]] = {'a street': _record}
