"""What travels with a frame besides its inputs. H x W network input."""

from typing import Any

import torch
from mmengine.structures import BaseDataElement

_DEPTH_FIELDS = ('gt_depth', 'gt_depth_dense', 'pred_depth', 'pred_log_scale')


class DepthDataSample(BaseDataElement):
    """Ground truth, predictions and meta information of one frame.

    Data fields, all optional, (H, W) float32:

    - ``gt_depth``: z-depth in metres, 0 = no measurement.
    - ``gt_depth_dense``: true z-depth of every pixel, 0 = sky. MiniDrive only.
    - ``pred_depth``: predicted z-depth in metres.
    - ``pred_log_scale``: predicted logarithm of the scale of the error of log depth.

    Meta information: ``frame_id, img_path, right_path, depth_path, focal`` (pixels of the file), ``baseline`` (metres),
    ``crop_offset`` (top, left), ``ori_shape, img_shape, flipped``, ``labelled`` (False where ``label_part`` of the data
    set leaves the depth map out).
    """

    def set_field(self, value: Any, name: str, dtype: Any = None, field_type: str = 'data') -> None:
        """Set a field; the known tensor fields are checked.

        Raises:
            TypeError: If a known field has another dtype or number of dimensions.
        """
        is_map = name in _DEPTH_FIELDS and isinstance(value, torch.Tensor)
        if is_map and (value.dtype != torch.float32 or value.ndim != 2):
            raise TypeError(
                f'{name} of DepthDataSample must be float32 with 2 dimensions, '
                f'got {value.dtype} of shape {tuple(value.shape)}'
            )
        super().set_field(value, name, dtype, field_type)
