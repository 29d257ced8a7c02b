"""From the results of a pipeline to model inputs."""

from collections.abc import Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from projects.depth.structures import DepthDataSample
from projects.transforms.extra_keys import checked_keys, pack_images, pack_label, pack_matrix

_INPUTS = ('img', 'right_img', 'cam2img', 'baseline', 'valid_mask')
_LABELS = ('gt_depth', 'gt_depth_dense')
_META = (
    'frame_id',
    'img_path',
    'right_path',
    'depth_path',
    'focal',
    'baseline',
    'crop_offset',
    'ori_shape',
    'img_shape',
    'flipped',
    'labelled',
)


@TRANSFORMS.register_module()
class PackDepthInputs(BaseTransform):
    """Pack a frame: ``inputs`` and ``data_samples``.

    ``inputs`` holds ``img`` (3, H, W) uint8 BGR, with a pair also ``right_img``, ``cam2img`` (3, 3) float32 of the
    left image as it is now, and ``baseline``, a float tensor in metres that is 0 without a right image. The sample is a
    :class:`DepthDataSample` with ``gt_depth`` and ``gt_depth_dense`` where they were loaded, and with ``labelled``, by
    which a ``Distiller`` knows frames without labels (``unlabelled_weights``).

    What a model of your own reads besides is named here and must be there: in ``inputs``, matrices as float32 of their
    own shape and images as (..., 3, H, W) from (..., H, W, 3) of the size of ``img``; in the sample, labels of their
    own shape and dtype. ``extra_images`` are named in ``DepthDataPreprocessor`` as well, which normalises them, and in
    the transforms that change a frame (:class:`FrameTransform`), which take further maps too.

    Args:
        extra_matrices (Sequence[str]): Further matrices. Defaults to ().
        extra_images (Sequence[str]): Further images. Defaults to ().
        extra_labels (Sequence[str]): Further labels; in test mode they may be missing. Defaults to ().
    """

    def __init__(
        self,
        extra_matrices: Sequence[str] = (),
        extra_images: Sequence[str] = (),
        extra_labels: Sequence[str] = (),
    ) -> None:
        self.extra_matrices = checked_keys(extra_matrices, 'extra_matrices of PackDepthInputs', _INPUTS)
        taken = (*_INPUTS, *self.extra_matrices)
        self.extra_images = checked_keys(extra_images, 'extra_images of PackDepthInputs', taken)
        self.extra_labels = checked_keys(extra_labels, 'extra_labels of PackDepthInputs', (*_LABELS, *_META))

    def transform(self, results: dict) -> dict:
        """Pack what is there, and what is named.

        Raises:
            ValueError: If something that is named is missing or of another kind; names the key.
        """
        stereo = 'right_img' in results
        inputs = {
            key: torch.from_numpy(np.ascontiguousarray(results[key].transpose(2, 0, 1)))
            for key in ('img', 'right_img')
            if key in results
        }
        inputs['cam2img'] = torch.from_numpy(results['cam2img'].astype(np.float32))
        inputs['baseline'] = torch.tensor(results['baseline'] if stereo else 0.0, dtype=torch.float32)
        for key in self.extra_matrices:
            inputs[key] = pack_matrix(results, key, 'extra_matrices of PackDepthInputs')
        for key in self.extra_images:
            inputs[key] = pack_images(results, key, 'extra_images of PackDepthInputs')
        sample = DepthDataSample(metainfo={key: results[key] for key in _META if key in results})
        for key in _LABELS:
            if key in results:
                sample.set_data({key: torch.from_numpy(np.ascontiguousarray(results[key], np.float32))})
        for key in self.extra_labels:
            label = pack_label(results, key, 'extra_labels of PackDepthInputs')
            if label is not None:
                sample.set_field(label, key)
        return {'inputs': inputs, 'data_samples': sample}
