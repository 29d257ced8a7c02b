"""What travels with a sample besides its inputs. N cameras, H x W network input, h x w render size, X/Y/Z voxels."""

from collections.abc import Mapping, Sequence
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

HISTORY_MATRICES = ('history_cam2img', 'history_cam2ego', 'history_img_aug_matrix', 'history_ego2key')
"""Matrices of the former keyframes of a sample, by the name of the input; ``history_imgs`` are their images and
``history_is_former`` says which of them are there (``LoadImageHistory``)."""


class OccDataSample(BaseDataElement):
    """Labels, predictions and meta information of one sample.

    Data fields, all optional:

    - ``gt_occ``, ``pred_occ`` (X, Y, Z) uint8: class ids in the augmented ego frame.
    - ``mask_camera``, ``mask_lidar`` (X, Y, Z) bool: voxels seen by any camera, by the LiDAR.
    - ``gt_depth`` (N, H, W) float32: z-depth in metres, 0 = no measurement.
    - ``segments`` (N, h, w) int32: image segments, 0 = none; ids are per image.
    - ``probabilities``, ``rendered_depth``, ``rendered_semantics``: what ``OccInferencer`` adds on request.

    Meta information: ``token`` (always), ``scene_name, scene_token, sample_idx, ori_shape, img_shape, img_paths,
    cam_names, timestamp, point_cloud_range, grid_size, num_classes``,
    and ``history_tokens`` of the former keyframes.
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


def check_box(box: Sequence[float], data_samples: Sequence, what: str) -> None:
    """Refuse labels whose grid lies in another box than what a model sees.

    Args:
        box (Sequence[float]): x, y, z minimum, then maximum, in metres.
        data_samples (Sequence): Samples; one without the metainfo ``point_cloud_range`` passes.
        what (str): Part of the config that has the box, for the message.

    Raises:
        ValueError: If a box differs by more than a tenth of a millimetre.
    """
    for sample in data_samples:
        known = sample.metainfo.get('point_cloud_range')
        if known is not None and any(abs(ours - theirs) > 1e-4 for ours, theirs in zip(box, known, strict=True)):
            raise ValueError(
                f'point_cloud_range of {what} is {list(box)}, but that of the data set is {list(known)} (sample '
                f'{sample.metainfo.get("token")}): give it that of the data set in the config'
            )


def check_logits(outputs: Mapping[str, Any], data_samples: Sequence | None, model: str) -> None:
    """Refuse outputs of a model that are no logits of the voxels and classes of the data set.

    Args:
        outputs (Mapping[str, Any]): Outputs of the model.
        data_samples (Sequence, optional): Samples of the batch; one without the metainfo ``grid_size`` and
            ``num_classes`` passes. None: only that there are logits.
        model (str): Name of the model, for the message.

    Raises:
        ValueError: If there is no tensor ``occ_logits`` of five dimensions, or its shape is another.
    """
    logits = outputs.get('occ_logits')
    if not isinstance(logits, torch.Tensor) or logits.dim() != 5:
        given = f'it is {tuple(logits.shape)}' if isinstance(logits, torch.Tensor) else f'there are {sorted(outputs)}'
        raise ValueError(f"outputs of {model} must have 'occ_logits' of the shape (B, X, Y, Z, classes), but {given}")
    for sample in data_samples or ():
        grid, num_classes = (sample.metainfo.get(key) for key in ('grid_size', 'num_classes'))
        if grid is None or num_classes is None:
            continue
        expected = (len(data_samples or ()), *grid, num_classes)
        if tuple(logits.shape) != expected:
            raise ValueError(
                f"'occ_logits' of {model} are {tuple(logits.shape)}, but (B, X, Y, Z, classes) of this batch is "
                f'{expected} (grid and classes of the data set, sample {sample.metainfo.get("token")}): give the model '
                'those of the data set in the config'
            )
