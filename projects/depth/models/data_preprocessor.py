"""Batching, normalisation and padding of what ``PackDepthInputs`` makes."""

from collections.abc import Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from torch import Tensor
from torch.nn import functional as F

from projects.models import ImageDataPreprocessor, check_finite_input, name_of, stack_input
from projects.transforms.extra_keys import check_named_images, checked_keys

_KNOWN = ('img', 'right_img', 'cam2img', 'baseline', 'valid_mask')


@MODELS.register_module()
class DepthDataPreprocessor(ImageDataPreprocessor):
    """Check, pad, stack, move and normalise the inputs of depth models.

    Images are padded with the mean colour at the right and at the bottom, so ``cam2img`` stays as it is.
    ``valid_mask`` tells the pixels that are not padding.

    Inputs that are named in ``PackDepthInputs`` besides the usual ones are checked and stacked; images are named here
    as well, to be padded and normalised as ``img`` is. Further arguments are those of :class:`ImageDataPreprocessor`.

    Args:
        pad_size_divisor (int): Height and width are padded to multiples of this. Defaults to 32.
        extra_images (Sequence[str]): Further images of the inputs, (..., 3, H, W) of the size of ``img``. Defaults to
            ().
    """

    def __init__(
        self,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        bgr_to_rgb: bool = True,
        pad_size_divisor: int = 32,
        non_blocking: bool = False,
        extra_images: Sequence[str] = (),
    ) -> None:
        super().__init__(mean, std, bgr_to_rgb, non_blocking)
        self.pad_size_divisor = pad_size_divisor
        self.extra_images = checked_keys(extra_images, 'extra_images of DepthDataPreprocessor', _KNOWN)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Turn collated data into model inputs.

        Args:
            data (dict): ``inputs`` with a list per key and ``data_samples``.
            training (bool): Unused; there is no batch augmentation. Defaults to False.

        Returns:
            dict: ``inputs`` with ``img`` (B, 3, H, W) float32, ``valid_mask`` (B, H, W) bool and, when loaded,
            ``right_img`` (B, 3, H, W), ``cam2img`` (B, 3, 3) and ``baseline`` (B,) in metres, further images
            (B, ..., 3, H, W) float32 and further matrices; and ``data_samples``.

        Raises:
            ValueError: If the images of a pair differ in size, or the calibration holds NaN, infinity or a baseline or
                focal length that is not positive, or a further input is missing, holds NaN or infinity, has another
                size or is not named in ``extra_images``.
        """
        samples = data.get('data_samples')
        inputs = {key: list(value) for key, value in data['inputs'].items()}
        _check_calibration(inputs, samples)
        check_named_images(inputs, self.extra_images, _KNOWN, 'Depth')
        further = [key for key in inputs if key not in (*_KNOWN, *self.extra_images)]
        for key in further:
            check_finite_input(key, inputs[key], samples)
        for key in self.extra_images:
            _check_images(key, inputs[key], inputs['img'], samples)
        inputs = self.cast_data(inputs)
        for img in (*inputs['img'], *inputs.get('right_img', [])):
            if img.dim() != 3 or img.shape[0] != 3:
                raise ValueError(f'an image must be (3, H, W), got {tuple(img.shape)}')
        sizes = [tuple(img.shape[-2:]) for img in inputs['img']]
        for i, right in enumerate(inputs.get('right_img', [])):
            if tuple(right.shape[-2:]) != sizes[i]:
                raise ValueError(
                    f'left image {sizes[i]} and right image {tuple(right.shape[-2:])} of {name_of(samples, i)} differ '
                    'in size; crop and resize both alike'
                )
        divisor = self.pad_size_divisor
        height, width = (-(-max(size[axis] for size in sizes) // divisor) * divisor for axis in (0, 1))
        images = [key for key in ('img', 'right_img', *self.extra_images) if key in inputs]
        out: dict[str, Any] = {key: self._stack_images(inputs[key], (height, width)) for key in images}
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
        out.update({key: stack_input(key, inputs[key]) for key in further})
        return {'inputs': out, 'data_samples': self.cast_data(samples)}

    def _stack_images(self, images: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        return torch.stack([F.pad(self.normalise(img), _padding(img, *size)) for img in images])


def _padding(img: Tensor, height: int, width: int) -> tuple[int, int, int, int]:
    return 0, width - img.shape[-1], 0, height - img.shape[-2]


def _check_images(key: str, images: Sequence[Tensor], like: Sequence[Tensor], samples: Sequence[Any] | None) -> None:
    for i, (given, img) in enumerate(zip(images, like, strict=True)):
        if given.dim() < 3 or given.shape[-3:] != img.shape:
            raise ValueError(
                f'inputs[{key!r}] of {name_of(samples, i)} must be images (..., 3, H, W) of the size of img, '
                f'{tuple(img.shape)}, got {tuple(given.shape)}; crop and resize them alike'
            )


def _check_calibration(inputs: dict[str, list], samples: Sequence[Any] | None) -> None:
    """Require finite calibration, before the data move to the device; a single image has no baseline."""
    for key in ('cam2img', 'baseline') if 'right_img' in inputs else ('cam2img',):
        for i, given in enumerate(inputs.get(key, ())):
            value = torch.as_tensor(given).float()
            if not torch.isfinite(value).all() or value.flatten()[0] <= 0:
                raise ValueError(
                    f'{key} of {name_of(samples, i)} is {value.tolist()}; focal length and baseline must be positive '
                    'and finite, check its calibration file'
                )
