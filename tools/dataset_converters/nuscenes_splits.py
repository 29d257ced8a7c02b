"""Splits of the versions of nuScenes, and of MiniDrive, which has its format."""

from nuscenes import NuScenes
from nuscenes.utils.splits import get_scenes_of_split

SPLITS = {
    'v1.0-trainval': {'train': 'train', 'val': 'val'},
    'v1.0-test': {'test': 'test'},
    'v1.0-mini': {'train': 'mini_train', 'val': 'mini_val'},
    'v1.0-minidrive': {'train': 'minidrive_train', 'val': 'minidrive_val', 'calib': 'minidrive_calib'},
}
"""Info file -> split of the devkit, by version."""

OPTIONAL_SPLITS = {'minidrive_calib'}
"""Splits that a data set need not have."""

EXPECTED_SAMPLES = {
    ('v1.0-trainval', 'train'): 28130,
    ('v1.0-trainval', 'val'): 6019,
    ('v1.0-test', 'test'): 6008,
    ('v1.0-mini', 'train'): 323,
    ('v1.0-mini', 'val'): 81,
}


def scenes_by_split(version: str, nusc: NuScenes) -> dict[str, tuple[str, list[str]]]:
    """Split of the devkit and names of its scenes, by info file; a split that need not be there may be left out.

    Raises:
        ValueError: If another split is missing.
    """
    found = {}
    for name, split in SPLITS[version].items():
        try:
            found[name] = (split, get_scenes_of_split(split, nusc))
        except ValueError:
            if split not in OPTIONAL_SPLITS:
                raise
    return found
