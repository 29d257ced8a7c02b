"""From the results of a pipeline to model inputs."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from projects.depth.structures import DepthDataSample

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
)


@TRANSFORMS.register_module()
class PackDepthInputs(BaseTransform):
    """Pack a frame: ``inputs`` and ``data_samples``.

    ``inputs`` holds ``img`` (3, H, W) uint8 BGR, with a pair also ``right_img``, ``cam2img`` (3, 3) float32 of the
    left image as it is now, and ``baseline``, a float tensor in metres that is 0 without a right image. The sample is a
    :class:`DepthDataSample` with ``gt_depth`` and ``gt_depth_dense`` where they were loaded.
    """

    def transform(self, results: dict) -> dict:
        """Pack."""
        stereo = 'right_img' in results
        inputs = {
            key: torch.from_numpy(np.ascontiguousarray(results[key].transpose(2, 0, 1)))
            for key in ('img', 'right_img')
            if key in results
        }
        inputs['cam2img'] = torch.from_numpy(results['cam2img'].astype(np.float32))
        inputs['baseline'] = torch.tensor(results['baseline'] if stereo else 0.0, dtype=torch.float32)
        sample = DepthDataSample(metainfo={key: results[key] for key in _META if key in results})
        for key in ('gt_depth', 'gt_depth_dense'):
            if key in results:
                sample.set_data({key: torch.from_numpy(np.ascontiguousarray(results[key], np.float32))})
        return {'inputs': inputs, 'data_samples': sample}
