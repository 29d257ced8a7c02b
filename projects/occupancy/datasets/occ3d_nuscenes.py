"""The Occ3D-nuScenes data set. N cameras."""

import os.path as osp
from typing import Any, ClassVar

import numpy as np
from mmdet3d.registry import DATASETS
from mmengine.dataset import BaseDataset

from projects.engine import NamedItemsMixin, SeededDatasetMixin, keep_parts, restricted_load
from projects.geometry import check_intrinsics, check_poses, is_finite_number, stack_matrices
from projects.occ_eval.infos import read_info_items
from projects.occupancy.classes import OCC3D, OccSpec
from projects.segments import segments_name

from .keyframes import KeyframesMixin
from .label_folder import check_folder, in_label_folder

_WRITE_AGAIN = (
    'correct the calibration table of the data set if it is wrong there, and write the info files again with '
    'tools/create_data.py occ3d-nus --force'
)
_LONGEST_LAG = 60.0
"""Seconds from a sweep to its keyframe; ten sweeps of nuScenes are half a second. More is another unit of time."""
_SOONEST = -1e-3
"""Seconds that a sweep may be later than its keyframe, for times that were rounded to milliseconds."""


@DATASETS.register_module()
class Occ3DNuScenesDataset(KeyframesMixin, NamedItemsMixin, SeededDatasetMixin, BaseDataset):
    """nuScenes keyframes with Occ3D labels, in the key ego frame (ego at the LIDAR_TOP timestamp).

    Reads mmdet3d v1.1 info files written by ``tools/create_data.py occ3d-nus``, plain mmdet3d v1.1 files (no labels or
    scene names then) and BEVDet files. Every sample is a dict with ``token``, ``sample_idx``, ``timestamp``,
    ``scene_name``, ``scene_token``, ``prev``, ``next``, ``cam_names``, ``ego2global``, ``lidar2ego``, ``bda_mat``,
    ``cam2img`` (N, 3, 3), ``cam2ego`` (N, 4, 4), ``occ_path`` (or None) and, as the modality asks, ``img_paths`` and
    ``segments_paths``; ``lidar_path``, ``lidarseg_path`` (or None), ``lidar_sweeps``, ``ann_file`` and
    ``sweeps_expected``: a sample before it is known, or no sample of the file has sweeps and the file does not say
    which ones are the first of their scenes.

    Each also has ``point_cloud_range``, ``grid_size`` and ``num_classes`` of the data set, for the pipeline.

    Data of another rig, grid or other classes in such files need a subclass with ``METAINFO =
    OccSpec(...).as_metainfo()``, and a model that fits. Further arguments are those of MMEngine's ``BaseDataset``.

    Args:
        ann_file (str): Info file, relative to ``data_root`` or absolute.
        data_root (str): Root of the data set. Defaults to ''.
        data_prefix (dict): Folder of each sensor's key files below ``data_root``, by name ('pts' is the LiDAR). A name
            that is left out has the nuScenes folder (``samples/CAM_FRONT``, ...). Defaults to {}.
        modality (dict): ``use_camera`` and ``use_lidar``. Defaults to the camera alone.
        pipeline (list): Transforms. Defaults to [].
        test_mode (bool): Samples without a label are allowed. Defaults to False.
        scene_part (float): Part of the scenes that is used, always the same (:func:`choose_scenes`). Defaults to 1.
        label_part (float): Part of the scenes whose labels are used; on the others nothing is labelled, and what needs
            no label (LiDAR depth, distillation) still trains. A scene of a small part is in every larger one, of
            ``scene_part`` too. Defaults to 1.
        label_draw (int): Which scenes those are: another number draws others. Defaults to 0.
        history (int): Former keyframes that each sample gets, as ``history`` (:meth:`former_frames`). Defaults to 0.
        neighbours (int): Keyframes on each side that each sample gets, as ``neighbours`` (:meth:`neighbour_frames`).
            Defaults to 0.
        gts (str | None): Folder of labels below ``data_root`` (``gts_aggregated``) that stands for the first folder of
            each ``occ_path``. Defaults to None (as the info file says).
        segments (str | None): Folder of image segments below ``data_root`` (``segments_slic``), as
            ``tools/extract_segments.py`` writes it, for info files that name other segments or none. Defaults to None
            (as the info file says).
        metainfo (dict | None): Overrides of METAINFO, whose keys :class:`OccSpec` lists. Defaults to None.
    """

    METAINFO = OCC3D.as_metainfo()
    UNREAD: ClassVar[tuple[str, ...]] = ('instances',)
    """Parts of the items that are dropped when the file has been read: boxes are a quarter of its size. A subclass that
    reads them has another list. Sweeps are dropped as well where LiDAR is not read."""

    def __init__(
        self,
        ann_file: str,
        data_root: str = '',
        data_prefix: dict | None = None,
        modality: dict | None = None,
        pipeline: list | None = None,
        test_mode: bool = False,
        scene_part: float = 1.0,
        label_part: float = 1.0,
        label_draw: int = 0,
        history: int = 0,
        neighbours: int = 0,
        gts: str | None = None,
        segments: str | None = None,
        indices: int | list[int] | None = None,
        lazy_init: bool = False,
        metainfo: dict | None = None,
        serialize_data: bool = True,
        max_refetch: int = 1000,
    ) -> None:
        self.scene_part, self.label_part, self.label_draw = scene_part, label_part, label_draw
        self.history, self.neighbours = history, neighbours
        self.gts, self.segments = gts, segments
        self.modality = {'use_camera': True, 'use_lidar': False}
        unknown = set(modality or {}) - set(self.modality)
        if unknown:
            raise ValueError(f'unknown modality {sorted(unknown)}; expected use_camera and use_lidar')
        self.modality.update(modality or {})
        self.spec = OccSpec.from_metainfo(self._load_metainfo(metainfo))
        folders = {'pts': 'samples/LIDAR_TOP', **{name: f'samples/{name}' for name in self.spec.cameras}}
        prefix = {**folders, **(data_prefix or {})}
        unknown = set(prefix) - set(folders)
        if unknown:
            raise ValueError(f'unknown data_prefix {sorted(unknown)}; expected {sorted(folders)}')
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix=prefix,
            pipeline=pipeline or [],
            test_mode=test_mode,
            indices=indices,
            lazy_init=lazy_init,
            metainfo=metainfo,
            serialize_data=serialize_data,
            max_refetch=max_refetch,
        )

    def load_data_list(self) -> list[dict]:
        """Read the info file with the restricted unpickler.

        Raises:
            FileNotFoundError: If the data root, the info file or the folder of labels is missing.
        """
        if self.data_root and not osp.isdir(self.data_root):
            raise FileNotFoundError(
                f'data root not found: {self.data_root}; set data_root of the data set, or create it: '
                'tools/create_minidrive.py for MiniDrive, docs/nuscenes.md for nuScenes'
            )
        if not osp.isfile(self.ann_file):
            raise FileNotFoundError(
                f'info file not found: {self.ann_file}; write it with '
                f'python tools/create_data.py occ3d-nus --root-path {self.data_root or "<root>"} --version <version>'
            )
        check_folder(self.data_root, self.gts, 'gts')
        check_folder(self.data_root, self.segments, 'segments')
        items = read_info_items(restricted_load(self.ann_file), self.ann_file)
        self._any_sweeps = any(item.get('lidar_sweeps') for item in items)
        unread = self.UNREAD if self.modality['use_lidar'] else (*self.UNREAD, 'lidar_sweeps')
        return [{key: value for key, value in item.items() if key not in unread} for item in items]

    def filter_data(self) -> list[dict]:
        """The scenes of ``scene_part``, with those outside ``label_part`` marked."""
        scenes = [info.get('scene_token') or info.get('scene_name') or '' for info in self.data_list]
        command = 'tools/create_data.py occ3d-nus --force'
        parts = self.scene_part, self.label_part
        return keep_parts(self.data_list, scenes, *parts, self.ann_file, command, self.label_draw)

    def full_init(self) -> None:
        """Read the info file and look for the first LiDAR file when LiDAR is used.

        ``tools/create_data.py`` writes info files of data without any LiDAR files, which camera-only models need not.

        Raises:
            FileNotFoundError: If the first sample's LiDAR file is not there.
        """
        if self._fully_initialized:
            return
        super().full_init()
        if self.modality['use_lidar'] and len(self):
            info = self._item(0)
            name = self._path(info['lidar_points'], 'lidar_path', 'lidar_points.', info['token'])
            path = osp.join(self.data_prefix['pts'], name)
            if not osp.isfile(path):
                raise FileNotFoundError(
                    f'LiDAR file not found: {path}, that of the first sample ({info["token"]}) of {self.ann_file}; '
                    'this config reads LiDAR (modality use_lidar=True): add the LiDAR files, set data_root and '
                    'data_prefix, or take a config that reads cameras alone'
                )

    def get_data_info(self, idx: int) -> dict:
        """What the pipeline gets of a sample: its frame, with its history where one is asked for.

        A child may add other frames (:meth:`previous`); one that changes what every frame has overrides :meth:`frame`.
        """
        info = key = self.frame(idx)
        if self.history:
            info = {**info, 'history': self.former_frames(key, self.history)}
        if self.neighbours:
            info = {**info, 'neighbours': self.neighbour_frames(key, self.neighbours)}
        return info

    def _item(self, idx: int) -> dict:
        """An item of the info file as it stands there."""
        return super().get_data_info(idx)

    def frame(self, idx: int) -> dict:
        """One sample alone: absolute paths, float64 matrices, checked calibration.

        Raises:
            KeyError: If a matrix is missing.
            ValueError: If the cameras are others, or a matrix or time is none; names file, sample and key.
        """
        info = self._item(idx)
        token, lidar, images, cameras = info['token'], info['lidar_points'], info['images'], self.spec.cameras
        self._check_cameras(images, token)
        sweeps = (info.get('lidar_sweeps') or []) if self.modality['use_lidar'] else []
        poses = self._matrices(
            {
                'lidar_points.lidar2ego': lidar.get('lidar2ego'),
                'ego2global': info['ego2global'],
                **{f'images.{name}.lidar2cam': images[name].get('lidar2cam') for name in cameras},
                **{f'lidar_sweeps[{i}].sweep2key': sweep.get('sweep2key') for i, sweep in enumerate(sweeps)},
            },
            (4, 4),
            token,
        )
        intrinsics = {f'images.{name}.cam2img': images[name].get('cam2img') for name in cameras}
        lidar2ego, last = poses[0], 2 + len(cameras)
        data = {
            'token': token,
            'sample_idx': idx,
            'timestamp': info['timestamp'],
            'scene_name': info.get('scene_name', ''),
            'scene_token': info.get('scene_token', ''),
            'prev': info.get('prev', ''),
            'next': info.get('next', ''),
            'test_mode': self.test_mode,
            'bda_mat': np.eye(4),
            'occ_path': self._label_path(info, token),
            'labelled': info.get('labelled', True),
            'lidar2ego': lidar2ego,
            'ego2global': poses[1],
            'cam_names': cameras,
            'point_cloud_range': self.spec.point_cloud_range,
            'grid_size': self.spec.grid_size,
            'num_classes': len(self.spec.classes),
            'cam2img': self._matrices(intrinsics, (3, 3), token),
            # lidar2cam goes through the ego poses of both timestamps, so the camera is placed in the key ego frame.
            'cam2ego': lidar2ego @ np.linalg.inv(poses[2:last]),
        }
        if self.modality['use_camera']:
            data['img_paths'] = [
                osp.join(self.data_prefix[name], self._path(images[name], 'img_path', f'images.{name}.', token))
                for name in cameras
            ]
            data['segments_paths'] = [self._segments_path(images[name], name, token) for name in cameras]
        if self.modality['use_lidar']:
            path = self._path(lidar, 'lidar_path', 'lidar_points.', token)
            data['lidar_path'] = osp.join(self.data_prefix['pts'], path)
            data['lidarseg_path'] = self._from_root(info, 'pts_semantic_mask_path', token)
            data['ann_file'] = self.ann_file
            data['sweeps_expected'] = bool(info['prev']) if 'prev' in info else not self._any_sweeps
            data['lidar_sweeps'] = self._sweeps(sweeps, poses[last:], info)
        return data

    def _check_cameras(self, images: dict, token: str) -> None:
        if set(images) != set(self.spec.cameras):
            raise ValueError(
                f'info of sample {token} has the cameras {sorted(images)}, but {type(self).__name__} reads '
                f'{sorted(self.spec.cameras)} and leaves none out; a rig of other cameras needs a subclass that lists '
                f'them in METAINFO (cameras), and models that were trained with it'
            )

    def _matrices(self, matrices: dict[str, Any], shape: tuple[int, int], token: str) -> np.ndarray:
        """Stack the poses (4, 4) or intrinsics (3, 3) of a sample by key, checked. Shape (N, *shape)."""
        missing = [key for key, matrix in matrices.items() if matrix is None]
        if missing:
            raise KeyError(f'info of sample {token} in {self.ann_file} has no {missing[0]}; {_WRITE_AGAIN}')

        def name_of(index: int) -> str:
            return f'{list(matrices)[index]} of sample {token} in {self.ann_file}'

        stacked = stack_matrices(list(matrices.values()), shape, name_of, _WRITE_AGAIN)
        check = check_poses if shape == (4, 4) else check_intrinsics
        check(stacked, name_of, _WRITE_AGAIN)
        return stacked

    def _sweeps(self, sweeps: list[dict], poses: np.ndarray, info: dict) -> list[dict]:
        """Files, poses and lags of the LiDAR sweeps of a sample, newest first.

        Raises:
            ValueError: If their times are no numbers, run forwards, or are far from that of the keyframe.
        """
        found: list[dict] = []
        for index, (sweep, pose) in enumerate(zip(sweeps, poses)):
            time = sweep.get('timestamp')
            lag = info['timestamp'] - time if is_finite_number(time) else np.nan
            earliest = found[-1]['time_lag'] if found else _SOONEST
            if not earliest <= lag <= _LONGEST_LAG:
                raise ValueError(
                    f'lidar_sweeps[{index}].timestamp of sample {info["token"]} in {self.ann_file} is {time!r}, but it '
                    f'must be a time in seconds before the sweep in front of it and the keyframe '
                    f'({info["timestamp"]!r}), by at most {_LONGEST_LAG:g} s; {_WRITE_AGAIN}'
                )
            path = self._from_root(sweep['lidar_points'], 'lidar_path', info['token'], f'lidar_sweeps[{index}].')
            found.append({'path': path, 'sweep2key': pose, 'time_lag': lag})
        return found

    def _label_path(self, info: dict, token: str) -> str | None:
        if not info.get('occ_path'):
            return None
        path = self._path(info, 'occ_path', '', token)
        return osp.join(self.data_root, in_label_folder(path, self.gts, f'sample {token} in {self.ann_file}'))

    def _segments_path(self, image: dict, camera: str, token: str) -> str | None:
        if self.segments is None:
            return self._from_root(image, 'segments_path', token, f'images.{camera}.')
        name = segments_name(image, camera, f'sample {token} in {self.ann_file}')
        return osp.join(self.data_root, self.segments, f'{name}.png')

    def _path(self, block: dict, key: str, prefix: str, token: str) -> str:
        path = block.get(key)
        if not (isinstance(path, str) and path):
            raise ValueError(f'{prefix}{key} of sample {token} in {self.ann_file} must be a path, got {path!r}')
        return path

    def _from_root(self, block: dict, key: str, token: str, prefix: str = '') -> str | None:
        return osp.join(self.data_root, self._path(block, key, prefix, token)) if block.get(key) else None
