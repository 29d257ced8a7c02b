"""What of a nuScenes-like data set is on disk: listed before anything is converted."""

import os.path as osp
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field

from .folder_index import FolderIndex
from .nuscenes_tables import TABLES, read_table

_SHOWN = 12

LAYOUT = """expected layout:
  <root-path>/{version}/*.json        13 tables of nuScenes
  <root-path>/maps/*.png
  <root-path>/samples/CAM_*/
  <root-path>/samples/LIDAR_TOP/      optional: all LiDAR keyframes or none (camera-only use)
  <root-path>/sweeps/LIDAR_TOP/       optional: LiDAR sweeps
  <root-path>/gts/<scene>/<token>/labels.npz   Occ3D labels (not for v1.0-test)
  <root-path>/lidarseg/{version}/     optional: with {version}/lidarseg.json
  <root-path>/segments/<sample_data_token>.png optional: image segments for RSC"""


def names_shown(names: list[str], title: str) -> str:
    """Wrap names after a title: all of them up to a dozen, else the first dozen and the number of the others."""
    more = [f'... and {len(names) - _SHOWN} more'] if len(names) > _SHOWN else []
    return textwrap.fill(
        title + ', '.join([*names[:_SHOWN], *more]),
        width=120,
        subsequent_indent=' ' * 8,
        break_long_words=False,
        break_on_hyphens=False,
    )


@dataclass
class Inventory:
    """Files or records of one kind: how many are expected, and which are not there."""

    name: str
    required: bool
    expected: int = 0
    missing: list[str] = field(default_factory=list)
    hint: str = ''

    @property
    def row(self) -> str:
        """One line of the table, and the first missing names."""
        kind = 'required' if self.required else 'optional'
        found = self.expected - len(self.missing)
        lines = [f'  {self.name:<34}{kind:<10}{found:>9} of {self.expected:<9}']
        if self.missing:
            lines.append(names_shown(self.missing, f'      missing {len(self.missing)}: '))
            if self.hint:
                lines.append(f'      {self.hint}')
        return '\n'.join(lines)


def take_inventory(index: FolderIndex, name: str, paths: Iterable[str], required: bool, hint: str = '') -> Inventory:
    """Look for every path."""
    paths = list(paths)
    return Inventory(name, required, len(paths), index.missing(paths, name), hint)


def check_root(root: str, version: str) -> None:
    """Check the data root.

    Raises:
        FileNotFoundError: If the root or the folder of the version is missing.
    """
    for path in (root, osp.join(root, version)):
        if not osp.isdir(path):
            raise FileNotFoundError(f'folder not found: {path}\n{LAYOUT.format(version=version)}')


def table_inventories(root: str, version: str) -> list[Inventory]:
    """Tables, maps and lidarseg labels: what the devkit needs to load the version at all."""
    index = FolderIndex(root)
    found = [take_inventory(index, 'tables', [f'{version}/{name}.json' for name in TABLES], True)]
    if found[0].missing:
        return found
    maps = [record['filename'] for record in read_table(root, version, 'map')]
    found.append(take_inventory(index, 'maps', maps, True, 'they come with the metadata archive'))
    if index.has(f'{version}/lidarseg.json'):
        labels = [record['filename'] for record in read_table(root, version, 'lidarseg')]
        hint = f'download nuScenes-lidarseg, or move {version}/lidarseg.json away to go without'
        found.append(take_inventory(index, 'lidarseg', labels, True, hint))
    else:
        found.append(Inventory('lidarseg', False, 1, [f'{version}/lidarseg.json']))
    return found


def scene_inventory(split: str, wanted: list[str], scenes: list[dict], samples: list[list[dict]]) -> Inventory:
    """Scenes of a split: those that the tables lack, and those whose chain of samples ends early."""
    there = {scene['name'] for scene in scenes}
    missing = [name for name in wanted if name not in there]
    for scene, group in zip(scenes, samples):
        expected = scene.get('nbr_samples', len(group))
        if len(group) != expected:
            missing.append(f'{scene["name"]} ({len(group)} of {expected} samples)')
    return Inventory(f'scenes of {split}', True, len(wanted), missing, 'the tables hold only a part of the split')


def report(title: str, inventories: list[Inventory]) -> bool:
    """Print the table; return whether everything required is there."""
    print(title)
    for inventory in inventories:
        print(inventory.row)
    return not any(inventory.required and inventory.missing for inventory in inventories)
