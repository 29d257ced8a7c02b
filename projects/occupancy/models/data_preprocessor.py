"""Batching and normalisation of what ``PackOccInputs`` makes."""

from collections.abc import Sequence
from logging import WARNING
from typing import Any

from mmdet3d.registry import MODELS
from mmengine.logging import print_log
from torch import Tensor

from projects.models import ImageDataPreprocessor, check_finite_input, name_of, stack_input
from projects.occupancy.structures import HISTORY_MATRICES
from projects.transforms.extra_keys import check_named_images, checked_keys

_CALIBRATION = ('cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat')
_IMAGES = ('imgs', 'history_imgs')
_KNOWN = (*_CALIBRATION, *HISTORY_MATRICES, 'history_is_former', *_IMAGES, 'points')
_SOURCES = {
    'points': 'LiDAR file of that sample',
    **dict.fromkeys((*_CALIBRATION, *HISTORY_MATRICES), 'calibration in the info file of that sample'),
}


@MODELS.register_module()
class OccDataPreprocessor(ImageDataPreprocessor):
    """Check, stack, move and normalise the inputs of occupancy models.

    The checks run before the data move to the device, so they cost no synchronisation. A sample with an empty point
    cloud is passed on; the first one is reported in the log.

    Inputs that are named in ``PackOccInputs`` besides the usual ones are stacked and checked like them; images are
    named here as well, to be normalised as ``imgs`` are. Further arguments are those of :class:`ImageDataPreprocessor`.

    Args:
        extra_images (Sequence[str]): Further images of the inputs, (..., 3, H, W). Defaults to ().
    """

    def __init__(
        self,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        bgr_to_rgb: bool = True,
        non_blocking: bool = False,
        extra_images: Sequence[str] = (),
    ) -> None:
        super().__init__(mean, std, bgr_to_rgb, non_blocking)
        self.extra_images = checked_keys(extra_images, 'extra_images of OccDataPreprocessor', _KNOWN)
        self._warned_empty = False

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Turn collated data into model inputs.

        Args:
            data (dict): ``inputs`` with a list (or a stacked tensor) per key and ``data_samples``.
            training (bool): Unused; there is no batch augmentation. Defaults to False.

        Returns:
            dict: ``inputs`` with ``imgs`` (B, N, 3, H, W) and ``history_imgs`` (B, T, N, 3, H, W) float32, stacked
            matrices, the list ``points`` and further images (B, ..., 3, H, W) float32, and ``data_samples``.

        Raises:
            ValueError: If images of a batch differ in shape, calibration, points or other numbers hold NaN or infinity,
                or further images are missing, have no three channels or are not named in ``extra_images``.
        """
        inputs = dict(data['inputs'])
        samples = data.get('data_samples')
        check_named_images(inputs, self.extra_images, _KNOWN, 'Occ')
        for key, value in inputs.items():
            if key not in (*_IMAGES, *self.extra_images):
                check_finite_input(key, value, samples, _SOURCES.get(key, ''))
        if 'points' in inputs:
            self._warn_if_empty(inputs['points'], samples)
        for key, value in inputs.items():
            if key != 'points' and not isinstance(value, Tensor):
                inputs[key] = stack_input(key, value)
        data = self.cast_data({'inputs': inputs, 'data_samples': samples})
        if 'imgs' in data['inputs']:
            imgs = data['inputs']['imgs']
            if imgs.dim() != 5 or imgs.shape[2] != 3:
                raise ValueError(f'imgs must be (B, N, 3, H, W), got {tuple(imgs.shape)}')
            data['inputs']['imgs'] = self.normalise(imgs)
        history = ('history_imgs',) if 'history_imgs' in inputs else ()
        for key in (*history, *self.extra_images):
            imgs = data['inputs'][key]
            if imgs.dim() < 4 or imgs.shape[-3] != 3:
                raise ValueError(f'inputs[{key!r}] must be images (B, ..., 3, H, W), got {tuple(imgs.shape)}')
            data['inputs'][key] = self.normalise(imgs)
        return data

    def _warn_if_empty(self, points: Sequence[Tensor], samples: Sequence[Any] | None) -> None:
        if self._warned_empty:
            return
        for i, cloud in enumerate(points):
            if len(cloud) == 0:
                self._warned_empty = True
                print_log(
                    f'{name_of(samples, i)} has an empty point cloud; it is used as it is. This is reported once.',
                    logger='current',
                    level=WARNING,
                )
                return
