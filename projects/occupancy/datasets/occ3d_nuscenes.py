"""The Occ3D-nuScenes data set. N cameras."""

import os.path as osp

import numpy as np
from mmdet3d.registry import DATASETS
from mmengine.dataset import BaseDataset

from projects.engine import SeededDatasetMixin, restricted_load
from projects.occ_eval.infos import read_info_items
from projects.occupancy.classes import FREE_CLASS, NUSC_CAMERAS, OCC3D_CLASSES, OCC3D_PALETTE

_WRITE_AGAIN = 'write the info files again with tools/create_data.py occ3d-nus --force'


def _matrix(block: dict, key: str, shape: tuple[int, int], name: str, token: str) -> np.ndarray:
    """Read one calibration matrix.

    Raises:
        KeyError: If it is missing.
        ValueError: If its shape is wrong or it holds NaN or infinity.
    """
    if block.get(key) is None:
        raise KeyError(f'info of sample {token} has no {name}.{key}; {_WRITE_AGAIN}')
    matrix = np.asarray(block[key], np.float64)
    if matrix.shape != shape:
        raise ValueError(f'{name}.{key} of sample {token} must be {shape}, got {matrix.shape}; {_WRITE_AGAIN}')
    if not np.isfinite(matrix).all():
        raise ValueError(
            f'{name}.{key} of sample {token} holds NaN or infinity; correct the calibration table of the data set, '
            f'then {_WRITE_AGAIN}'
        )
    return matrix


@DATASETS.register_module()
class Occ3DNuScenesDataset(SeededDatasetMixin, BaseDataset):
    """nuScenes keyframes with Occ3D labels, in the key ego frame (ego at the LIDAR_TOP timestamp).

    Reads mmdet3d v1.1 info files written by ``tools/create_data.py occ3d-nus``, plain mmdet3d v1.1 files (no labels or
    scene names then) and BEVDet files. Every sample is a dict with ``token``, ``sample_idx``, ``timestamp``,
    ``scene_name``, ``scene_token``, ``prev``, ``next``, ``cam_names``, ``ego2global``, ``lidar2ego``, ``bda_mat``,
    ``cam2img`` (N, 3, 3), ``cam2ego`` (N, 4, 4), ``occ_path`` (or None) and, as the modality asks, ``img_paths`` and
    ``segments_paths``; ``lidar_path``, ``lidar_sweeps``, ``ann_file`` and ``sweeps_expected``: a sample before it is
    known, or no sample of the file has sweeps and the file does not say which ones are the first of their scenes.

    Args:
        ann_file (str): Info file, relative to ``data_root`` or absolute.
        data_root (str): Root of the data set. Defaults to ''.
        data_prefix (dict): Folder of each sensor's key files below ``data_root``, by name ('pts' is the LiDAR). A name
            that is left out has the nuScenes folder (``samples/CAM_FRONT``, ...). Defaults to {}.
        modality (dict): ``use_camera`` and ``use_lidar``. Defaults to the camera alone.
        pipeline (list): Transforms. Defaults to [].
        test_mode (bool): Samples without a label are allowed. Defaults to False.
        indices (int | list[int] | None): Subset: the first samples or the given ones. Defaults to None (all).
        lazy_init (bool): Whether to read the info file later. Defaults to False.
        metainfo (dict | None): Overrides of METAINFO. Defaults to None.
        serialize_data (bool): Whether to hold the infos as bytes, which workers share. Defaults to True.
        max_refetch (int): Tries when a pipeline returns None. Defaults to 1000.
    """

    METAINFO = {'classes': OCC3D_CLASSES, 'palette': OCC3D_PALETTE, 'free_class': FREE_CLASS}
    CAMERAS = NUSC_CAMERAS

    def __init__(
        self,
        ann_file: str,
        data_root: str = '',
        data_prefix: dict | None = None,
        modality: dict | None = None,
        pipeline: list | None = None,
        test_mode: bool = False,
        indices: int | list[int] | None = None,
        lazy_init: bool = False,
        metainfo: dict | None = None,
        serialize_data: bool = True,
        max_refetch: int = 1000,
    ) -> None:
        self.modality = {'use_camera': True, 'use_lidar': False}
        unknown = set(modality or {}) - set(self.modality)
        if unknown:
            raise ValueError(f'unknown modality {sorted(unknown)}; expected use_camera and use_lidar')
        self.modality.update(modality or {})
        folders = {'pts': 'samples/LIDAR_TOP', **{name: f'samples/{name}' for name in self.CAMERAS}}
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
            FileNotFoundError: If the data root or the info file is missing.
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
        items = read_info_items(restricted_load(self.ann_file), self.ann_file)
        self._any_sweeps = any(item.get('lidar_sweeps') for item in items)
        return items

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
            info = super().get_data_info(0)
            path = osp.join(self.data_prefix['pts'], info['lidar_points']['lidar_path'])
            if not osp.isfile(path):
                raise FileNotFoundError(
                    f'LiDAR file not found: {path}, that of the first sample ({info["token"]}) of {self.ann_file}; '
                    'this config reads LiDAR (modality use_lidar=True): add the LiDAR files, set data_root and '
                    'data_prefix, or take a config that reads cameras alone'
                )

    def get_data_info(self, idx: int) -> dict:
        """Return the pipeline's view of one sample: absolute paths, float64 matrices, checked calibration."""
        info = super().get_data_info(idx)
        token = info['token']
        lidar = info['lidar_points']
        lidar2ego = _matrix(lidar, 'lidar2ego', (4, 4), 'lidar_points', token)
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
            'occ_path': self._from_root(info.get('occ_path')),
            'lidar2ego': lidar2ego,
            'ego2global': _matrix(info, 'ego2global', (4, 4), 'info', token),
        }
        data.update(self._camera_info(info, lidar2ego))
        if self.modality['use_lidar']:
            data['lidar_path'] = osp.join(self.data_prefix['pts'], lidar['lidar_path'])
            data['ann_file'] = self.ann_file
            data['sweeps_expected'] = bool(info['prev']) if 'prev' in info else not self._any_sweeps
            data['lidar_sweeps'] = [
                self._sweep_info(sweep, info['timestamp'], token) for sweep in info.get('lidar_sweeps') or []
            ]
        return data

    def _camera_info(self, info: dict, lidar2ego: np.ndarray) -> dict:
        """Calibration and files of the cameras, in the order of ``CAMERAS``."""
        token, images = info['token'], info['images']
        if set(images) != set(self.CAMERAS):
            raise ValueError(
                f'info of sample {token} has the cameras {sorted(images)}, but {type(self).__name__} reads '
                f'{sorted(self.CAMERAS)} and leaves none out; a rig of other cameras needs a subclass that lists them '
                f'in CAMERAS, and models that were trained with it'
            )
        cam2img, cam2ego = [], []
        for name in self.CAMERAS:
            cam2img.append(_matrix(images[name], 'cam2img', (3, 3), f'images.{name}', token))
            lidar2cam = _matrix(images[name], 'lidar2cam', (4, 4), f'images.{name}', token)
            if abs(np.linalg.det(lidar2cam[:3, :3])) < 0.5:
                raise ValueError(f'images.{name}.lidar2cam of sample {token} is no rotation; {_WRITE_AGAIN}')
            # lidar2cam goes through the ego poses of both timestamps, so the camera is placed in the key ego frame.
            cam2ego.append(lidar2ego @ np.linalg.inv(lidar2cam))
        data = {'cam_names': self.CAMERAS, 'cam2img': np.stack(cam2img), 'cam2ego': np.stack(cam2ego)}
        if self.modality['use_camera']:
            data['img_paths'] = [osp.join(self.data_prefix[name], images[name]['img_path']) for name in self.CAMERAS]
            data['segments_paths'] = [self._from_root(images[name].get('segments_path')) for name in self.CAMERAS]
        return data

    def _sweep_info(self, sweep: dict, key_time: float, token: str) -> dict:
        return {
            'path': self._from_root(sweep['lidar_points']['lidar_path']),
            'sweep2key': _matrix(sweep, 'sweep2key', (4, 4), 'lidar_sweeps', token),
            'time_lag': key_time - sweep['timestamp'],
        }

    def _from_root(self, path: str | None) -> str | None:
        return osp.join(self.data_root, path) if path else None
