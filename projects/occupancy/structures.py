"""What travels with a sample besides its inputs. N cameras, H x W network input, h x w render size, X/Y/Z voxels."""

from typing import Any

import torch
from mmengine.structures import BaseDataElement

FIELD_TYPES = {
    'gt_occ': (torch.uint8, 3),
    'pred_occ': (torch.uint8, 3),
    'mask_camera': (torch.bool, 3),
    'mask_lidar': (torch.bool, 3),
    'gt_depth': (torch.float32, 3),
    'segments': (torch.int32, 3),
}


class OccDataSample(BaseDataElement):
    """Labels, predictions and meta information of one sample.

    Data fields, all optional:

    - ``gt_occ``, ``pred_occ`` (X, Y, Z) uint8: class ids in the augmented ego frame.
    - ``mask_camera``, ``mask_lidar`` (X, Y, Z) bool: voxels seen by any camera, by the LiDAR.
    - ``gt_depth`` (N, H, W) float32: z-depth in metres, 0 = no measurement.
    - ``segments`` (N, h, w) int32: image segments, 0 = none; ids are per image.

    Meta information: ``token`` (always), ``scene_name, scene_token, sample_idx, ori_shape, img_shape, img_paths,
    cam_names, timestamp``.
    """

    def set_field(self, value: Any, name: str, dtype: Any = None, field_type: str = 'data') -> None:
        """Set a field; the known tensor fields are checked.

        Raises:
            TypeError: If a known field has another dtype or number of dimensions.
        """
        if name in FIELD_TYPES and isinstance(value, torch.Tensor):
            want, ndim = FIELD_TYPES[name]
            if value.dtype != want or value.ndim != ndim:
                raise TypeError(
                    f'{name} of OccDataSample must be {want} with {ndim} dimensions, '
                    f'got {value.dtype} of shape {tuple(value.shape)}'
                )
        super().set_field(value, name, dtype, field_type)
