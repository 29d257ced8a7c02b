"""Images of the present keyframe and of those before it. N cameras, T former keyframes, H x W network input."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS
from mmengine.dataset import Compose

from projects.transforms.random_draws import draw_state, same_draws

_MATRICES = ('cam2img', 'cam2ego', 'img_aug_matrix')


@TRANSFORMS.register_module()
class LoadImageHistory(BaseTransform):
    """Load and augment the images of a sample and of its history alike.

    Every frame is augmented with the same draws, as in BEVDet4D (arXiv:2203.17054): a camera has one scale, crop, flip
    and rotation in all frames, and colours change alike, so that features of one place differ by the way of the car
    alone. The random generator goes on as if the present frame had been loaded alone. ``BEVAugment`` comes later and
    holds for all frames, which share ``bda_mat``. A frame that stands in for a missing one is not loaded again.

    Required keys: those of ``transforms``, and ``history`` (``history`` of the data set).
    Added keys: those of ``transforms``; ``history_imgs`` (T lists of N images (H, W, 3)), the latest frame first,
    ``history_cam2img`` (T, N, 3, 3), ``history_cam2ego`` (T, N, 4, 4), ``history_img_aug_matrix`` (T, N, 3, 3),
    ``history_ego2key`` (T, 4, 4), ``history_is_former`` (T,) float32: 0 where the present frame stands in, and
    ``history_tokens``. Removed key: ``history``.

    Args:
        transforms (list): Transforms that load and augment the images of one frame.
    """

    def __init__(self, transforms: list) -> None:
        self.transforms = Compose(transforms)

    def transform(self, results: dict) -> dict:
        """Run the transforms on the present frame, then with the same draws on the others.

        Raises:
            ValueError: If the data set gives no history.
        """
        frames = results.pop('history', None)
        if not frames:
            raise ValueError(
                f'sample {results.get("token")} has no history; set history of the data set to a number of frames '
                '(images alone, without a data set, have none)'
            )
        state = draw_state()
        key = self.transforms(results)
        former = [self._load(frame, key, state) for frame in frames]
        stacked = {f'history_{name}': np.stack([frame[name] for frame in former]) for name in (*_MATRICES, 'ego2key')}
        return {
            **key,
            **stacked,
            'history_imgs': [frame['imgs'] for frame in former],
            'history_is_former': np.array([frame['is_former'] for frame in former], np.float32),
            'history_tokens': [frame['token'] for frame in former],
        }

    def _load(self, frame: dict, key: dict, state: Any) -> dict:
        """A frame with ``imgs`` and ``img_aug_matrix``; those of the present one where it stands in."""
        if not frame['is_former']:
            return {**frame, 'imgs': key['imgs'], 'img_aug_matrix': key['img_aug_matrix']}
        with same_draws(state):
            return self.transforms(frame)
