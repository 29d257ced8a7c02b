"""Packing of a sample for the model. N cameras, P points."""

from collections.abc import Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from projects.occupancy.structures import FIELD_TYPES, HISTORY_MATRICES, OccDataSample
from projects.transforms.extra_keys import checked_keys, pack_images, pack_label, pack_matrix

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
    'history_tokens',
    'point_cloud_range',
    'grid_size',
    'num_classes',
    'labelled',
)


@TRANSFORMS.register_module()
class PackOccInputs(BaseTransform):
    """Turn the pipeline's dict into ``dict(inputs=..., data_samples=OccDataSample)``.

    ``inputs`` holds ``imgs`` (N, 3, H, W) uint8 BGR, ``points`` (P, 5) float32, both when loaded, and ``cam2img``
    (N, 3, 3), ``cam2ego`` (N, 4, 4), ``img_aug_matrix`` (N, 3, 3), ``bda_mat`` (4, 4), float32. Labels go to the data
    sample. With :class:`LoadImageHistory` there are ``history_imgs`` (T, N, 3, H, W) uint8, ``history_is_former`` (T,)
    and the ``history_`` matrices (T, ...) as well.

    What a model of your own reads besides is named here and must be there: in ``inputs``, matrices as float32 of their
    own shape and images as (..., 3, H, W) from (..., H, W, 3); in the data sample, labels of their own shape and dtype.
    ``extra_images`` are named in ``OccDataPreprocessor`` as well, which normalises them.

    Args:
        meta_keys (tuple[str, ...]): Meta information to keep.
        extra_matrices (Sequence[str]): Further matrices, one for the sample or one for each camera. Defaults to ().
        extra_images (Sequence[str]): Further images, for instance one for each camera. Defaults to ().
        extra_labels (Sequence[str]): Further labels; in test mode they may be missing. Defaults to ().
    """

    MATRICES = ('cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat', *HISTORY_MATRICES, 'history_is_former')

    def __init__(
        self,
        meta_keys: tuple[str, ...] = _META_KEYS,
        extra_matrices: Sequence[str] = (),
        extra_images: Sequence[str] = (),
        extra_labels: Sequence[str] = (),
    ) -> None:
        self.meta_keys = tuple(meta_keys)
        inputs = (*self.MATRICES, 'imgs', 'history_imgs', 'points')
        self.extra_matrices = checked_keys(extra_matrices, 'extra_matrices of PackOccInputs', inputs)
        self.extra_images = checked_keys(extra_images, 'extra_images of PackOccInputs', (*inputs, *self.extra_matrices))
        self.extra_labels = checked_keys(extra_labels, 'extra_labels of PackOccInputs', (*FIELD_TYPES, *self.meta_keys))

    def transform(self, results: dict) -> dict:
        """Pack what is there, and what is named.

        Raises:
            ValueError: If something that is named is missing or of another kind; names the key.
        """
        inputs = {
            key: torch.from_numpy(np.asarray(results[key], np.float32)) for key in self.MATRICES if key in results
        }
        for key in self.extra_matrices:
            inputs[key] = pack_matrix(results, key, 'extra_matrices of PackOccInputs')
        if 'imgs' in results:
            imgs = np.stack(results['imgs']).transpose(0, 3, 1, 2)
            inputs['imgs'] = torch.from_numpy(np.ascontiguousarray(imgs))
        if 'history_imgs' in results:
            inputs['history_imgs'] = pack_images(results, 'history_imgs', 'LoadImageHistory')
        for key in self.extra_images:
            inputs[key] = pack_images(results, key, 'extra_images of PackOccInputs')
        if 'points' in results:
            inputs['points'] = torch.from_numpy(np.ascontiguousarray(results['points'], np.float32))
        sample = OccDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        for key in FIELD_TYPES:
            if key in results:
                sample.set_field(torch.from_numpy(np.ascontiguousarray(results[key])), key)
        for key in self.extra_labels:
            label = pack_label(results, key, 'extra_labels of PackOccInputs')
            if label is not None:
                sample.set_field(label, key)
        return {'inputs': inputs, 'data_samples': sample}
