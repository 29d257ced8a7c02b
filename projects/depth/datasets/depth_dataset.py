"""Data sets of rectified image pairs with depth maps."""

import os.path as osp

import numpy as np
from mmdet3d.registry import DATASETS
from mmengine.dataset import BaseDataset

from projects.depth_eval.infos import PATH_KEYS, check_calibration, drive_of, read_depth_infos
from projects.engine import NamedItemsMixin, SeededDatasetMixin, keep_parts


class StereoDepthDataset(NamedItemsMixin, SeededDatasetMixin, BaseDataset):
    """Frames of an info file of ``tools/create_data.py``, one dict per frame.

    A frame has ``frame_id``, ``img_path``, ``right_path``, ``depth_path``, ``right_depth_path`` (None if there is no
    file), ``dense_path`` and ``right_dense_path`` (MiniDrive), ``cam2img`` and ``right_cam2img`` (3, 3), ``focal``
    (pixels), ``baseline`` (metres, 0 unless ``stereo``), ``depth_scale`` (values of the depth file per metre),
    ``ori_shape`` (H, W) and ``labelled`` (whether its depth maps are read, see ``label_part``). Further arguments are
    those of MMEngine's ``BaseDataset``.

    Args:
        ann_file (str): Info file, relative to ``data_root`` or absolute.
        data_root (str): Root of the data set. Defaults to ''.
        stereo (bool): Whether right images are needed; they are loaded then. Defaults to False.
        pipeline (list): Transforms. Defaults to [].
        test_mode (bool): Samples without a depth map are allowed; nothing is seeded. Defaults to False.
        scene_part (float): Part of the drives that is used, always the same
            (:func:`projects.engine.choose_scenes`). Defaults to 1.
        label_part (float): Part of the drives whose depth maps are read; on the others no pixel has a depth, and what
            needs none (distillation) still trains. A drive of a small part is in every larger one, of ``scene_part``
            too. Defaults to 1.
        label_draw (int): Which drives those are: another number draws others. Defaults to 0.
    """

    COMMAND = 'create_data.py'
    ITEM, NAME_KEY = 'frame', 'frame_id'

    def __init__(
        self,
        ann_file: str,
        data_root: str = '',
        stereo: bool = False,
        pipeline: list | None = None,
        test_mode: bool = False,
        scene_part: float = 1.0,
        label_part: float = 1.0,
        label_draw: int = 0,
        indices: int | list[int] | None = None,
        lazy_init: bool = False,
        metainfo: dict | None = None,
        serialize_data: bool = True,
        max_refetch: int = 1000,
    ) -> None:
        self.stereo = stereo
        self.scene_part, self.label_part, self.label_draw = scene_part, label_part, label_draw
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix={},
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
            ValueError: If the file holds something else or nothing, a frame twice, or one that cannot be loaded.
        """
        if self.data_root and not osp.isdir(self.data_root):
            raise FileNotFoundError(f'data root not found: {self.data_root}; set data_root or see docs/kitti.md')
        if not osp.isfile(self.ann_file):
            raise FileNotFoundError(
                f'info file not found: {self.ann_file}; write it with python tools/{self.COMMAND} --root-path '
                f'{self.data_root or "<root>"}'
            )
        items = read_depth_infos(self.ann_file)
        check_calibration(items, self.ann_file)
        for item in items:
            self._check_item(item)
        if self.stereo:
            self._check_pairs(items)
        return items

    def filter_data(self) -> list[dict]:
        """The drives of ``scene_part``, with those outside ``label_part`` marked."""
        drives = [drive_of(info['frame_id']) for info in self.data_list]
        command = f'tools/{self.COMMAND}'
        parts = self.scene_part, self.label_part
        return keep_parts(self.data_list, drives, *parts, self.ann_file, command, self.label_draw)

    def _check_item(self, item: dict) -> None:
        where = f'{self.ann_file}: frame {item["frame_id"]}'
        if self.stereo and item['right_path'] and not item['baseline'] > 0:
            raise ValueError(f'{where} has the baseline {item["baseline"]} m, but it must be positive')
        if not (self.test_mode or item['depth_path']) and item.get('labelled', True):
            raise ValueError(
                f'{where} has no depth map, so it cannot be trained on; only test_mode=True allows that, or '
                'labelled=False of the frame, for what needs no depth (distillation)'
            )

    def _check_pairs(self, items: list[dict]) -> None:
        single = [item['frame_id'] for item in items if not item['right_path']]
        if single:
            raise ValueError(
                f'{self.ann_file}: {len(single)} of {len(items)} frames have no right image (first: {single[0]}), but '
                f'stereo=True needs pairs. Unpack the images of the right camera and write the info file again with '
                f'tools/{self.COMMAND}, with --pairs-only to leave these frames out; a model of one image needs '
                'stereo=False in the data set'
            )

    def get_data_info(self, idx: int) -> dict:
        """Return the pipeline's view of one frame: absolute paths and float64 matrices."""
        info = super().get_data_info(idx)
        data = {key: info[key] for key in ('frame_id', 'depth_scale')}
        data.update({key: osp.join(self.data_root, info[key]) if info[key] else None for key in PATH_KEYS})
        data.update(sample_idx=idx, test_mode=self.test_mode, ori_shape=tuple(info['ori_shape']))
        data['labelled'] = info.get('labelled', True)
        data['cam2img'] = np.asarray(info['cam2img'], np.float64)
        data['right_cam2img'] = np.asarray(info['right_cam2img'], np.float64)
        data['focal'] = float(data['cam2img'][0, 0])
        data['baseline'] = float(info['baseline']) if self.stereo else 0.0
        if not self.stereo:
            data['right_path'] = None
        return data


@DATASETS.register_module()
class KITTIDepthDataset(StereoDepthDataset):
    """KITTI raw with annotated depth maps, its depth selection, or MiniDrive in KITTI's layout.

    The splits are info files: ``kitti-depth-eigen_infos_{train,val}.pkl``,
    ``kitti-depth-official_infos_{train,val,test}.pkl`` and ``kitti-depth_infos_{train,val}.pkl`` (MiniDrive, with
    ``calib`` of presets that have calibration drives). See :class:`StereoDepthDataset` for the arguments.
    """

    COMMAND = 'create_data.py kitti-depth'


@DATASETS.register_module()
class DrivingStereoDataset(StereoDepthDataset):
    """DrivingStereo in half or full resolution, and its weather sets.

    The splits are info files: ``drivingstereo_infos_{train,test,<weather>}.pkl``; full resolution has ``-full`` before
    ``_infos``.
    See :class:`StereoDepthDataset` for the arguments.
    """

    COMMAND = 'create_data.py drivingstereo'
