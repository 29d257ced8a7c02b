"""Batching, normalisation and padding of what ``PackDepthInputs`` makes."""

from collections.abc import Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from mmengine.model import BaseDataPreprocessor
from torch import Tensor
from torch.nn import functional as F

_IMAGES = ('img', 'right_img')


@MODELS.register_module()
class DepthDataPreprocessor(BaseDataPreprocessor):
    """Check, pad, stack, move and normalise the inputs of depth models.

    Images are padded with the mean colour at the right and at the bottom, so ``cam2img`` stays as it is.
    ``valid_mask`` tells the pixels that are not padding.

    Args:
        mean (Sequence[float]): Mean of each channel after the change to RGB. Defaults to the ImageNet mean.
        std (Sequence[float]): Standard deviation of each channel. Defaults to that of ImageNet.
        bgr_to_rgb (bool): Whether the images come in BGR order and the network wants RGB. Defaults to True.
        pad_size_divisor (int): Height and width are padded to multiples of this. Defaults to 32.
        non_blocking (bool): Whether the copy to the device may overlap with computation. Defaults to False.
    """

    def __init__(
        self,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        bgr_to_rgb: bool = True,
        pad_size_divisor: int = 32,
        non_blocking: bool = False,
    ) -> None:
        super().__init__(non_blocking=non_blocking)
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(f'mean and std need three values each and std > 0, got mean={mean}, std={std}')
        self.bgr_to_rgb = bgr_to_rgb
        self.pad_size_divisor = pad_size_divisor
        self.register_buffer('mean', torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(3, 1, 1), persistent=False)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Turn collated data into model inputs.

        Args:
            data (dict): ``inputs`` with a list per key and ``data_samples``.
            training (bool): Unused; there is no batch augmentation. Defaults to False.

        Returns:
            dict: ``inputs`` with ``img`` (B, 3, H, W) float32, ``valid_mask`` (B, H, W) bool and, when loaded,
            ``right_img`` (B, 3, H, W), ``cam2img`` (B, 3, 3) and ``baseline`` (B,) in metres; and ``data_samples``.

        Raises:
            ValueError: If the images of a pair differ in size, or the calibration holds NaN, infinity or a baseline or
                focal length that is not positive.
        """
        samples = data.get('data_samples')
        inputs = {key: list(value) for key, value in data['inputs'].items()}
        _check_calibration(inputs, samples)
        inputs = self.cast_data(inputs)
        sizes = [tuple(img.shape[-2:]) for img in inputs['img']]
        for i, right in enumerate(inputs.get('right_img', [])):
            if tuple(right.shape[-2:]) != sizes[i]:
                raise ValueError(
                    f'left image {sizes[i]} and right image {tuple(right.shape[-2:])} of {_name(samples, i)} differ in '
                    'size; crop and resize both alike'
                )
        divisor = self.pad_size_divisor
        height, width = (-(-max(size[axis] for size in sizes) // divisor) * divisor for axis in (0, 1))
        out: dict[str, Any] = {
            key: self._stack_images(inputs[key], (height, width)) for key in _IMAGES if key in inputs
        }
        out['valid_mask'] = torch.stack(
            [
                F.pad(img.new_ones(img.shape[-2:], dtype=torch.bool), _padding(img, height, width))
                for img in inputs['img']
            ]
        )
        if 'cam2img' in inputs:
            out['cam2img'] = torch.stack([torch.as_tensor(matrix).float() for matrix in inputs['cam2img']])
        if 'baseline' in inputs:
            baselines = [torch.as_tensor(value, device=self.device).float().reshape(()) for value in inputs['baseline']]
            out['baseline'] = torch.stack(baselines)
        return {'inputs': out, 'data_samples': self.cast_data(samples)}

    def _stack_images(self, images: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        normalised = []
        for img in images:
            if img.dim() != 3 or img.shape[0] != 3:
                raise ValueError(f'an image must be (3, H, W), got {tuple(img.shape)}')
            img = img.flip(0) if self.bgr_to_rgb else img
            normalised.append(F.pad((img.float() - self.mean) / self.std, _padding(img, *size)))
        return torch.stack(normalised)


def _padding(img: Tensor, height: int, width: int) -> tuple[int, int, int, int]:
    return 0, width - img.shape[-1], 0, height - img.shape[-2]


def _name(samples: Sequence[Any] | None, index: int) -> str:
    frame = getattr(samples[index], 'frame_id', None) if samples else None
    return f'frame {frame}' if frame else f'sample number {index} of the batch'


def _check_calibration(inputs: dict[str, list], samples: Sequence[Any] | None) -> None:
    """Require finite calibration, before the data move to the device; a single image has no baseline."""
    for key in ('cam2img', 'baseline') if 'right_img' in inputs else ('cam2img',):
        for i, given in enumerate(inputs.get(key, ())):
            value = torch.as_tensor(given).float()
            if not torch.isfinite(value).all() or value.flatten()[0] <= 0:
                raise ValueError(
                    f'{key} of {_name(samples, i)} is {value.tolist()}; focal length and baseline must be positive and '
                    'finite, check its calibration file'
                )
