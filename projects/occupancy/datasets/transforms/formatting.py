"""Packing of a sample for the model. N cameras, P points."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from projects.occupancy.structures import FIELD_TYPES, OccDataSample

_META_KEYS = (
    'token',
    'scene_name',
    'scene_token',
    'sample_idx',
    'ori_shape',
    'img_shape',
    'img_paths',
    'cam_names',
    'timestamp',
    'point_cloud_range',
)


@TRANSFORMS.register_module()
class PackOccInputs(BaseTransform):
    """Turn the pipeline's dict into ``dict(inputs=..., data_samples=OccDataSample)``.

    ``inputs`` holds ``imgs`` (N, 3, H, W) uint8 BGR, ``points`` (P, 5) float32, both when loaded, and ``cam2img``
    (N, 3, 3), ``cam2ego`` (N, 4, 4), ``img_aug_matrix`` (N, 3, 3), ``bda_mat`` (4, 4), float32. Labels go to the data
    sample.

    Args:
        meta_keys (tuple[str, ...]): Meta information to keep.
    """

    MATRICES = ('cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat')

    def __init__(self, meta_keys: tuple[str, ...] = _META_KEYS) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack what is there."""
        inputs = {
            key: torch.from_numpy(np.asarray(results[key], np.float32)) for key in self.MATRICES if key in results
        }
        if 'imgs' in results:
            imgs = np.stack(results['imgs']).transpose(0, 3, 1, 2)
            inputs['imgs'] = torch.from_numpy(np.ascontiguousarray(imgs))
        if 'points' in results:
            inputs['points'] = torch.from_numpy(np.ascontiguousarray(results['points'], np.float32))
        sample = OccDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        for key in FIELD_TYPES:
            if key in results:
                sample.set_field(torch.from_numpy(np.ascontiguousarray(results[key])), key)
        return {'inputs': inputs, 'data_samples': sample}
