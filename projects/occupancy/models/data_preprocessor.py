"""Batching and normalisation of what ``PackOccInputs`` makes."""

from collections.abc import Sequence
from logging import WARNING
from typing import Any

import torch
from mmdet3d.registry import MODELS
from mmengine.logging import print_log
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

_CALIBRATION = ('cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat')


@MODELS.register_module()
class OccDataPreprocessor(BaseDataPreprocessor):
    """Check, stack, move and normalise the inputs of occupancy models.

    The checks run before the data move to the device, so they cost no synchronisation. A sample with an empty point
    cloud is passed on; the first one is reported in the log.

    Args:
        mean (Sequence[float]): Mean of each channel after the change to RGB. Defaults to the ImageNet mean.
        std (Sequence[float]): Standard deviation of each channel. Defaults to that of ImageNet.
        bgr_to_rgb (bool): Whether the images come in BGR order and the network wants RGB. Defaults to True.
        non_blocking (bool): Whether the copy to the device may overlap with computation. Defaults to False.
    """

    def __init__(
        self,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        bgr_to_rgb: bool = True,
        non_blocking: bool = False,
    ) -> None:
        super().__init__(non_blocking=non_blocking)
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(f'mean and std need three values each and std > 0, got mean={mean}, std={std}')
        self.bgr_to_rgb = bgr_to_rgb
        self.register_buffer('mean', torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(3, 1, 1), persistent=False)
        self._warned_empty = False

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Turn collated data into model inputs.

        Args:
            data (dict): ``inputs`` with a list (or a stacked tensor) per key and ``data_samples``.
            training (bool): Unused; there is no batch augmentation. Defaults to False.

        Returns:
            dict: ``inputs`` with ``imgs`` (B, N, 3, H, W) float32, stacked matrices and the list ``points``, and
            ``data_samples``.

        Raises:
            ValueError: If images of a batch differ in shape, or calibration or points hold NaN or infinity.
        """
        inputs = dict(data['inputs'])
        samples = data.get('data_samples')
        for key in (*_CALIBRATION, 'points'):
            if key in inputs:
                self._check_finite(key, inputs[key], samples)
        if 'points' in inputs:
            self._warn_if_empty(inputs['points'], samples)
        for key, value in inputs.items():
            if key != 'points' and not isinstance(value, Tensor):
                inputs[key] = self._stack(key, value)
        data = self.cast_data({'inputs': inputs, 'data_samples': samples})
        if 'imgs' in data['inputs']:
            data['inputs']['imgs'] = self._normalize(data['inputs']['imgs'])
        return data

    def _normalize(self, imgs: Tensor) -> Tensor:
        if imgs.dim() != 5 or imgs.shape[2] != 3:
            raise ValueError(f'imgs must be (B, N, 3, H, W), got {tuple(imgs.shape)}')
        if self.bgr_to_rgb:
            imgs = imgs.flip(2)
        return (imgs.float() - self.mean) / self.std

    @staticmethod
    def _stack(key: str, tensors: Sequence[Tensor]) -> Tensor:
        shapes = {tuple(t.shape) for t in tensors}
        if len(shapes) > 1:
            raise ValueError(
                f'inputs[{key!r}] of one batch differ in shape: {sorted(shapes)}; resize or crop them to one size'
            )
        return torch.stack(list(tensors))

    @staticmethod
    def _name(samples: Sequence[Any] | None, index: int) -> str:
        token = getattr(samples[index], 'token', None) if samples else None
        return f'sample {token}' if token else f'sample number {index} of the batch'

    def _check_finite(self, key: str, tensors: Sequence[Tensor], samples: Sequence[Any] | None) -> None:
        for i, tensor in enumerate(tensors):
            if not torch.isfinite(tensor).all():
                raise ValueError(
                    f'inputs[{key!r}] of {self._name(samples, i)} holds NaN or infinity; '
                    f'check the {"LiDAR file" if key == "points" else "calibration in the info file"} of that sample'
                )

    def _warn_if_empty(self, points: Sequence[Tensor], samples: Sequence[Any] | None) -> None:
        if self._warned_empty:
            return
        for i, cloud in enumerate(points):
            if len(cloud) == 0:
                self._warned_empty = True
                print_log(
                    f'{self._name(samples, i)} has an empty point cloud; it is used as it is. This is reported once.',
                    logger='current',
                    level=WARNING,
                )
                return
