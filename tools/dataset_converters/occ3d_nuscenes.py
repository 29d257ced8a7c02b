"""Info files of Occ3D-nuScenes and of data sets in its format (MiniDrive)."""

import multiprocessing
import os.path as osp
import pickle
from collections import Counter
from collections.abc import Iterator
from functools import partial

from tqdm import tqdm

from projects.fileio import atomic_write, restricted_load
from projects.occ_eval.classes import NUSC_CAMERAS
from projects.occ_eval.infos import read_info_items

from . import nuscenes_infos as infos
from .folder_index import FolderIndex
from .nuscenes_inventory import (
    Inventory,
    check_root,
    names_shown,
    report,
    scene_inventory,
    table_inventories,
    take_inventory,
)
from .nuscenes_splits import EXPECTED_SAMPLES, SPLITS, scenes_by_split
from .nuscenes_tables import broken_tables_named, check_tokens, load_tables

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
        allow_missing (bool): Go on with what is there: leave out samples without a camera file or, in a training split,
            without a label, and scenes that the tables lack.
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
        self.index = FolderIndex(root, lone='gts')

    def run(self) -> dict[str, str]:
        """Check, convert, check again.

        Returns:
            dict[str, str]: Info file of each split that has samples.

        Raises:
            FileNotFoundError: If required files or scenes are missing and ``allow_missing`` is off, or nothing is left.
            ValueError: If a table is broken, or the samples are not the expected ones.
        """
        with broken_tables_named(self.root, self.version):
            if not report(f'{self.version} in {self.root}: tables', table_inventories(self.root, self.version)):
                raise FileNotFoundError(f'{self.root} is incomplete, see the list above; nothing was written')
            self.nusc = load_tables(self.root, self.version)
            samples = self._samples()
            check_tokens(self.nusc, self.root, self.version)
            flat = [sample for group in samples.values() for sample in group]
            inventories = self._file_inventories(flat)
            if not report(f'{self.version} in {self.root}: files', inventories) and not self.allow_missing:
                raise FileNotFoundError(
                    f'{self.root} is incomplete, see the list above; nothing was written. Add the files, or pass '
                    '--allow-missing to leave the samples out'
                )
            kept = {name: self._without_broken(name, group) for name, group in samples.items()}
            paths = {name: self._convert(name, group) for name, group in kept.items() if group}
        self._check(samples, kept, paths)
        return paths

    def _samples(self) -> dict[str, list[dict]]:
        """Samples of every split, in the order of the scene table."""
        counts = Counter(scene['name'] for scene in self.nusc.scene)
        twice = sorted(name for name, count in counts.items() if count > 1)
        if twice:
            raise ValueError(
                f'{osp.join(self.root, self.version, "scene.json")} holds scenes twice, which would count twice: '
                f'{", ".join(map(str, twice[:5]))}; unpack the metadata archive again'
            )
        samples, inventories = {}, []
        for name, (split, wanted) in scenes_by_split(self.version, self.nusc).items():
            scenes = [scene for scene in self.nusc.scene if scene['name'] in wanted]
            found = [infos.scene_samples(self.nusc, scene) for scene in scenes]
            samples[name] = [sample for group in found for sample in group]
            inventories.append(scene_inventory(split, wanted, scenes, found))
        whole = report(f'{self.version} in {self.root}: scenes', inventories)
        if self.allow_missing:
            return samples
        if not whole or not all(samples.values()):
            found = ', '.join(f'{row.expected - len(row.missing)} of {row.expected} {row.name}' for row in inventories)
            raise FileNotFoundError(
                f'the tables in {osp.join(self.root, self.version)} hold only a part of the splits ({found}), see the '
                'list above; nothing was written. Unpack the whole metadata archive, or pass --allow-missing to '
                'convert the scenes that are there'
            )
        wrong = [
            f'{name}: {len(group)} samples instead of {EXPECTED_SAMPLES[self.version, name]}'
            for name, group in samples.items()
            if len(group) != EXPECTED_SAMPLES.get((self.version, name), len(group))
        ]
        if wrong:
            raise ValueError(
                f'the tables in {osp.join(self.root, self.version)} are not those of {self.version}: '
                f'{"; ".join(wrong)}; nothing was written. Unpack the metadata archive again, or pass --allow-missing '
                'to take what is there'
            )
        return samples

    def _file_inventories(self, samples: list[dict]) -> list[Inventory]:
        find = partial(take_inventory, self.index)

        def key_files(sensor: str) -> list[str]:
            return [self._key_file(sample, sensor) for sample in samples]

        found = [find(f'samples/{name}', key_files(name), True) for name in NUSC_CAMERAS]
        lidar = find('samples/LIDAR_TOP', key_files('LIDAR_TOP'), True)
        self._has_lidar = len(lidar.missing) < lidar.expected
        if self._has_lidar:
            lidar.hint = 'the others are there, so this is an unfinished or broken download: add the rest of LIDAR_TOP'
        else:
            lidar.required = False
            lidar.hint = 'no LiDAR at all: camera-only configs do without, those that read LiDAR will stop and say so'
        records = [r for s in samples for r in infos.sweep_records(self.nusc, s, self.max_sweeps)]
        sweeps = find('LiDAR sweeps', sorted({r['filename'] for r in records}), False, 'samples will have fewer sweeps')
        if any(not record['is_key_frame'] and self.index.has(record['filename']) for record in records):
            sweeps.hint += '; others between the keyframes are there, so the download may be unfinished'
        found.extend((lidar, sweeps))
        if self.version != 'v1.0-test':
            labels = [self._occ_path(sample) for sample in samples]
            found.append(find('gts (Occ3D labels)', labels, True, 'see docs/nuscenes.md for the download'))
        segments = [infos.segments_path(sample['data'][name]) for sample in samples for name in NUSC_CAMERAS]
        found.append(find('segments (for RSC)', segments, False, 'only needed to distil with rendered semantics'))
        return found

    def _key_file(self, sample: dict, sensor: str) -> str:
        return infos.key_record(self.nusc, sample, sensor)['filename']

    def _lacking(self, name: str, sample: dict) -> dict[str, list[str]]:
        """Files that a sample of a split cannot do without and that are not there, by kind."""
        needed = {'camera file': [self._key_file(sample, camera) for camera in NUSC_CAMERAS]}
        if self._has_lidar:
            needed['LiDAR file'] = [self._key_file(sample, 'LIDAR_TOP')]
        if name == 'train':
            needed['Occ3D label'] = [self._occ_path(sample)]
        lacking = {kind: [path for path in paths if not self.index.has(path)] for kind, paths in needed.items()}
        return {kind: paths for kind, paths in lacking.items() if paths}

    def _without_broken(self, name: str, samples: list[dict]) -> list[dict]:
        """Leave out the samples that lack files, and say how many, why, and what becomes of the split."""
        lacking = [self._lacking(name, sample) for sample in samples]
        kept = [sample for sample, kinds in zip(samples, lacking) if not kinds]
        if len(kept) < len(samples):
            print(f'{name}: {len(samples) - len(kept)} of {len(samples)} samples are left out (--allow-missing)')
        for kind in dict.fromkeys(kind for kinds in lacking for kind in kinds):
            count = sum(kind in kinds for kinds in lacking)
            paths = [path for kinds in lacking for path in kinds.get(kind, [])]
            print(names_shown(paths, f'      {count} without {kind}: '))
        unlabelled = sum(not self.index.has(self._occ_path(sample)) for sample in kept)
        if unlabelled and name != 'test':
            print(f'{name}: {unlabelled} of {len(kept)} samples have no Occ3D label; they can be predicted, not scored')
        if not kept:
            path = self.info_path(name)
            older = f'; the file of an earlier run is still there, delete it: {path}' if osp.isfile(path) else ''
            print(f'{name}: no sample is left, {osp.basename(path)} is not written{older}')
        return kept

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
        """Whether the file on disk holds these samples with these settings and the files found now.

        Values are compared for the first sample of each scene: that tells other tables, and files of another version.
        """
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
                and all(self.item(samples[index], index) == items[index] for index in _first_of_scenes(samples))
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
        for name in NUSC_CAMERAS:
            candidates[name] = infos.segments_path(item['images'][name]['sample_data_token'])
        return {key: path if self.index.has(path) else None for key, path in candidates.items()}

    @staticmethod
    def _recorded_paths(item: dict) -> dict:
        paths = {key: item[key] for key in ('occ_path', 'pts_semantic_mask_path')}
        return {**paths, **{name: item['images'][name]['segments_path'] for name in NUSC_CAMERAS}}

    def item(self, sample: dict, sample_idx: int) -> dict:
        """Make the item of one keyframe, with the optional files that are on disk."""
        item = infos.sample_info(self.nusc, sample, sample_idx, self.max_sweeps)
        item['lidar_sweeps'] = [s for s in item['lidar_sweeps'] if self.index.has(s['lidar_points']['lidar_path'])]
        paths = self._disk_paths(item)
        for name in NUSC_CAMERAS:
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
        read_info_items({'data_list': items}, path)  # what the data set would refuse is not written
        with atomic_write(path) as file:
            pickle.dump({'metainfo': self._settings(name), 'data_list': items}, file, protocol=4)
        return path

    def _check(self, samples: dict[str, list[dict]], kept: dict[str, list[dict]], paths: dict[str, str]) -> None:
        """Read the files back and print the counts."""
        if not paths:
            raise FileNotFoundError(
                f'no sample of {self.version} in {self.root} is whole, see above; nothing was written. Add the files'
            )
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
            if len(items) != len(kept[name]):
                wrong.append(f'{path} holds {len(items)} samples instead of {len(kept[name])}')
        if wrong:
            raise ValueError('; '.join(wrong) + '; write it again with --force')


def _first_of_scenes(samples: list[dict]) -> list[int]:
    """Indices of the first sample of each scene."""
    return list({sample['scene_token']: index for index, sample in reversed(list(enumerate(samples)))}.values())


def _paths(sweeps: list[dict]) -> list[str]:
    return [sweep['lidar_points']['lidar_path'] for sweep in sweeps]


def _work(index: int) -> dict:
    return _WORKER['converter'].item(_WORKER['samples'][index], index)
