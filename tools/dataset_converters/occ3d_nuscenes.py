"""Info files of Occ3D-nuScenes and of data sets in its format (MiniDrive)."""

import json
import multiprocessing
import os.path as osp
import pickle
from collections.abc import Iterator

from nuscenes import NuScenes
from nuscenes.utils.splits import get_scenes_of_split
from tqdm import tqdm

from projects.engine import atomic_write, restricted_load

from . import nuscenes_infos as infos
from .nuscenes_inventory import TABLES, FolderIndex, Inventory, check_root, read_table, report, table_inventories

SPLITS = {
    'v1.0-trainval': {'train': 'train', 'val': 'val'},
    'v1.0-test': {'test': 'test'},
    'v1.0-mini': {'train': 'mini_train', 'val': 'mini_val'},
    'v1.0-minidrive': {'train': 'minidrive_train', 'val': 'minidrive_val'},
}
"""Info file -> split of the devkit, by version."""

EXPECTED_SAMPLES = {('v1.0-trainval', 'train'): 28130, ('v1.0-trainval', 'val'): 6019, ('v1.0-test', 'test'): 6008}

INFO_VERSION = '1.1'

_WORKER: dict = {}


class Occ3DConverter:
    """Convert one version of a nuScenes-like data set.

    Args:
        root (str): Data root.
        version (str): One of ``SPLITS``.
        out_dir (str): Folder of the info files.
        extra_tag (str): First part of the file names.
        max_sweeps (int): LiDAR sweeps per keyframe.
        workers (int): Processes.
        force (bool): Write files again that are complete.
        allow_missing (bool): Go on when required files are missing; such samples have no label.
    """

    def __init__(
        self,
        root: str,
        version: str,
        out_dir: str,
        extra_tag: str = 'occ3d-nus',
        max_sweeps: int = 10,
        workers: int = 2,
        force: bool = False,
        allow_missing: bool = False,
    ) -> None:
        check_root(root, version)
        self.root = root
        self.version = version
        self.out_dir = out_dir
        self.extra_tag = extra_tag
        self.max_sweeps = max_sweeps
        self.workers = workers
        self.force = force
        self.allow_missing = allow_missing
        self.index = FolderIndex(root)

    def run(self) -> dict[str, str]:
        """Check, convert, check again.

        Returns:
            dict[str, str]: Info file of each split.

        Raises:
            FileNotFoundError: If required files are missing and ``allow_missing`` is off.
            ValueError: If a written file does not hold the expected samples.
        """
        if not report(f'{self.version} in {self.root}: tables', table_inventories(self.root, self.version)):
            raise FileNotFoundError(f'{self.root} is incomplete, see the list above; nothing was written')
        try:
            self.nusc = NuScenes(version=self.version, dataroot=self.root, verbose=False)
        except json.JSONDecodeError:
            for name in TABLES:  # The devkit does not say which table it is.
                read_table(self.root, self.version, name)
            raise
        samples = {name: self._samples(split) for name, split in SPLITS[self.version].items()}
        flat = [sample for group in samples.values() for sample in group]
        if not report(f'{self.version} in {self.root}: files', self._file_inventories(flat)) and not self.allow_missing:
            raise FileNotFoundError(
                f'{self.root} is incomplete, see the list above; nothing was written. Add the files, or pass '
                '--allow-missing to leave them out'
            )
        paths = {name: self._convert(name, group) for name, group in samples.items()}
        self._check(samples, paths)
        return paths

    def _samples(self, split: str) -> list[dict]:
        wanted = set(get_scenes_of_split(split, self.nusc))
        scenes = [scene for scene in self.nusc.scene if scene['name'] in wanted]
        return [sample for scene in scenes for sample in infos.scene_samples(self.nusc, scene)]

    def _file_inventories(self, samples: list[dict]) -> list[Inventory]:
        nusc, find = self.nusc, self.index.inventory

        def key_files(sensor: str) -> list[str]:
            return [nusc.get('sample_data', sample['data'][sensor])['filename'] for sample in samples]

        sweeps = [r['filename'] for s in samples for r in infos.sweep_records(nusc, s, self.max_sweeps)]
        segments = [infos.segments_path(sample['data'][name]) for sample in samples for name in infos.CAMERAS]
        found = [find(f'samples/{name}', key_files(name), True) for name in (*infos.CAMERAS, 'LIDAR_TOP')]
        found.append(find('LiDAR sweeps', sorted(set(sweeps)), False, 'samples will have fewer sweeps'))
        if self.version != 'v1.0-test':
            labels = [self._occ_path(sample) for sample in samples]
            found.append(find('gts (Occ3D labels)', labels, True, 'see docs/nuscenes.md for the download'))
        found.append(find('segments (for RSC)', segments, False, 'only needed to distil with rendered semantics'))
        return found

    def _occ_path(self, sample: dict) -> str:
        return infos.occ_path(self.nusc.get('scene', sample['scene_token'])['name'], sample['token'])

    def info_path(self, name: str) -> str:
        """Info file of a split."""
        return osp.join(self.out_dir, f'{self.extra_tag}_infos_{name}.pkl')

    def _settings(self, name: str) -> dict:
        return {
            'dataset': 'nuscenes',
            'version': self.version,
            'split': SPLITS[self.version][name],
            'info_version': INFO_VERSION,
            'max_sweeps': self.max_sweeps,
            'categories': {label: index for index, label in enumerate(infos.BOX_CLASSES)},
        }

    def _is_complete(self, name: str, samples: list[dict]) -> bool:
        """Whether the file on disk holds these samples with these settings and the files found now."""
        path = self.info_path(name)
        if self.force or not osp.isfile(path):
            return False
        try:
            content = restricted_load(path)
            items = content['data_list']
            return (
                content['metainfo'] == self._settings(name)
                and [item['token'] for item in items] == [sample['token'] for sample in samples]
                and all(self._disk_paths(item) == self._recorded_paths(item) for item in items)
                and all(
                    self._sweep_paths(sample) == _paths(item['lidar_sweeps']) for sample, item in zip(samples, items)
                )
            )
        except (KeyError, TypeError, ValueError):
            return False

    def _sweep_paths(self, sample: dict) -> list[str]:
        """Sweeps of a keyframe that are on disk."""
        records = infos.sweep_records(self.nusc, sample, self.max_sweeps)
        return [record['filename'] for record in records if self.index.has(record['filename'])]

    def _disk_paths(self, item: dict) -> dict:
        """Optional files of an item that are on disk, None for the others."""
        lidar_token = item['lidar_points']['sample_data_token']
        candidates = {
            'occ_path': infos.occ_path(item['scene_name'], item['token']),
            'pts_semantic_mask_path': f'lidarseg/{self.version}/{lidar_token}_lidarseg.bin',
        }
        for name in infos.CAMERAS:
            candidates[name] = infos.segments_path(item['images'][name]['sample_data_token'])
        return {key: path if self.index.has(path) else None for key, path in candidates.items()}

    @staticmethod
    def _recorded_paths(item: dict) -> dict:
        paths = {key: item[key] for key in ('occ_path', 'pts_semantic_mask_path')}
        return {**paths, **{name: item['images'][name]['segments_path'] for name in infos.CAMERAS}}

    def item(self, sample: dict, sample_idx: int) -> dict:
        """Make the item of one keyframe, with the optional files that are on disk."""
        item = infos.sample_info(self.nusc, sample, sample_idx, self.max_sweeps)
        item['lidar_sweeps'] = [s for s in item['lidar_sweeps'] if self.index.has(s['lidar_points']['lidar_path'])]
        paths = self._disk_paths(item)
        for name in infos.CAMERAS:
            item['images'][name]['segments_path'] = paths.pop(name)
        item.update(paths)
        return item

    def _items(self, samples: list[dict]) -> Iterator[dict]:
        _WORKER.update(converter=self, samples=samples)
        if self.workers <= 1:
            yield from map(_work, range(len(samples)))
            return
        # Forked workers share the loaded tables, which take gigabytes for v1.0-trainval.
        with multiprocessing.get_context('fork').Pool(self.workers) as pool:
            yield from pool.imap(_work, range(len(samples)), chunksize=16)

    def _convert(self, name: str, samples: list[dict]) -> str:
        path = self.info_path(name)
        if self._is_complete(name, samples):
            print(f'{path} is complete: kept (pass --force to write it again)')
            return path
        items = list(tqdm(self._items(samples), total=len(samples), desc=f'{name} samples', unit=' samples'))
        with atomic_write(path) as file:
            pickle.dump({'metainfo': self._settings(name), 'data_list': items}, file, protocol=4)
        return path

    def _check(self, samples: dict[str, list[dict]], paths: dict[str, str]) -> None:
        """Read the files back and print the counts."""
        print(
            f'{"split":<8}{"samples":>9}{"expected":>10}{"scenes":>8}{"labels":>9}{"lidarseg":>10}{"sweeps":>9}  file'
        )
        wrong = []
        for name, path in paths.items():
            items = restricted_load(path)['data_list']
            expected = EXPECTED_SAMPLES.get((self.version, name), len(samples[name]))
            scenes = len({item['scene_token'] for item in items})
            labels = sum(item['occ_path'] is not None for item in items)
            lidarseg = sum(item['pts_semantic_mask_path'] is not None for item in items)
            sweeps = sum(len(item['lidar_sweeps']) for item in items)
            print(f'{name:<8}{len(items):>9}{expected:>10}{scenes:>8}{labels:>9}{lidarseg:>10}{sweeps:>9}  {path}')
            if len(items) != expected:
                wrong.append(f'{name}: {len(items)} samples instead of {expected}')
            if labels < len(items) and name != 'test' and not self.allow_missing:
                wrong.append(f'{name}: {labels} labels for {len(items)} samples')
        if wrong:
            raise ValueError(f'{self.version} in {self.root} is incomplete: ' + '; '.join(wrong))


def _paths(sweeps: list[dict]) -> list[str]:
    return [sweep['lidar_points']['lidar_path'] for sweep in sweeps]


def _work(index: int) -> dict:
    return _WORKER['converter'].item(_WORKER['samples'][index], index)
