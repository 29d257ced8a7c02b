"""The keyframes of a batch, the present ones and their history, by place.

Shape letters: B batch, T former keyframes, N cameras, M frames.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Place = tuple[int, int]
"""Sample of the batch, and age: 0 is the present frame, t the t-th before it."""

_CALIBRATION = ('cam2img', 'cam2ego', 'img_aug_matrix')


def former_places(is_former: Tensor, ages: int, fill: bool = False) -> list[list[Place]]:
    """Places of the former frames that are there, by age, the latest first.

    Args:
        is_former (Tensor): 0 where the present frame stands in. Shape (B, T).
        ages (int): How far back; at most T.
        fill (bool): Whether the present frame takes the place of one that is missing. Defaults to False.

    Returns:
        list[list[Place]]: For each age from 1 to ``ages``, one place for each sample that has such a frame; with
        ``fill`` one for each sample.
    """
    rows = list(enumerate(is_former.tolist()))
    return [[(b, age if row[age - 1] else 0) for b, row in rows if fill or row[age - 1]] for age in range(1, ages + 1)]


def pick_frames(inputs: Mapping[str, Any], places: Sequence[Place], images: bool = False) -> dict[str, Tensor]:
    """Inputs of some frames as those of a batch without history.

    Args:
        inputs (Mapping[str, Any]): Inputs of a batch with ``history_imgs`` and the matrices of the history.
        places (Sequence[Place]): M places.
        images (bool): Whether to copy the images as well. Defaults to False.

    Returns:
        dict[str, Tensor]: The calibration (M, ...), in the ego frame of each keyframe itself; ``bda_mat`` (M, 4, 4);
        ``ego2key`` (M, 4, 4), from that ego frame to the present one; and ``imgs`` (M, N, 3, H, W) where asked for.
    """

    def pick(present: Tensor, history: Tensor) -> Tensor:
        return torch.stack([history[b, age - 1] if age else present[b] for b, age in places])

    names = ('imgs', *_CALIBRATION) if images else _CALIBRATION
    frames = {key: pick(inputs[key], inputs[f'history_{key}']) for key in names}
    bda_mat = inputs['bda_mat']
    here = torch.eye(4, dtype=bda_mat.dtype, device=bda_mat.device).expand_as(bda_mat)
    ego2key = pick(here, inputs['history_ego2key'])
    return {**frames, 'bda_mat': torch.stack([bda_mat[b] for b, _ in places]), 'ego2key': ego2key}
