"""What a sample and its prediction look like. All pictures are RGB uint8; N cameras, X/Y/Z voxels, P points."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from projects.engine import add_title, draw_prediction, fit_width, image_grid

from .classes import OccSpec
from .structures import OccDataSample
from .visualization import (
    draw_bev,
    draw_legend,
    draw_oblique,
    draw_panel,
    draw_points_bev,
    overlay_occupancy,
    overlay_points,
)


def _views(imgs: torch.Tensor | None) -> list[np.ndarray]:
    """Pictures (H, W, 3) of packed images (N, 3, H, W) in BGR order."""
    return [] if imgs is None else [np.ascontiguousarray(img[::-1].transpose(1, 2, 0)) for img in imgs.cpu().numpy()]


def _names(sample: OccDataSample, count: int) -> Sequence[str]:
    return sample.metainfo.get('cam_names') or [f'camera {i}' for i in range(count)]


@draw_prediction.register
def draw_occ_prediction(sample: OccDataSample, inputs: Mapping[str, Any], meta: Mapping[str, Any]) -> np.ndarray:
    """The images, the prediction and, if there is one, the label.

    Args:
        sample (OccDataSample): With ``pred_occ``.
        inputs (Mapping[str, Any]): ``imgs`` (N, 3, H, W) uint8 BGR; may be absent.
        meta (Mapping[str, Any]): ``metainfo`` of the data set, see :class:`OccSpec`.

    Returns:
        np.ndarray: Shape (height, 1260, 3).
    """
    views = _views(inputs.get('imgs'))
    volumes = {'prediction': sample.pred_occ.cpu().numpy()}
    if 'gt_occ' in sample:
        volumes['label'] = sample.gt_occ.cpu().numpy()
    mask = sample.mask_camera.cpu().numpy() if 'mask_camera' in sample else None
    names = _names(sample, len(views))
    return draw_panel(views, names, volumes, OccSpec.from_metainfo(meta), mask)


def with_lidar(dataset: dict) -> dict:
    """Config of a data set whose pipeline loads LiDAR points and keeps them, so that there is something to draw."""
    dataset = dict(dataset)
    pipeline = [dict(step) for step in dataset['pipeline']]
    if 'PointsToEgo' not in [step['type'] for step in pipeline]:
        pipeline = [{'type': 'LoadLidarPoints'}, {'type': 'PointsToEgo'}, *pipeline]
    for step in pipeline:
        if step['type'] == 'LiDARDepthMap':
            step['keep_points'] = True
    modality = {'use_camera': True, **dataset.get('modality', {}), 'use_lidar': True}
    return {**dataset, 'pipeline': pipeline, 'modality': modality}


def _matrices(inputs: Mapping[str, Any], view: int, scale: np.ndarray) -> dict[str, np.ndarray]:
    """Matrices of a camera whose picture is enlarged by ``scale`` (3, 3)."""
    matrices = {key: inputs[key][view].numpy() for key in ('cam2img', 'cam2ego', 'img_aug_matrix')}
    matrices['img_aug_matrix'] = scale @ matrices['img_aug_matrix']
    return {'bda_mat': inputs['bda_mat'].numpy(), **matrices}


def draw_occ_inputs(
    sample: OccDataSample, inputs: Mapping[str, Any], meta: Mapping[str, Any], width: int = 1500
) -> np.ndarray:
    """What a model is given, after augmentation: LiDAR points and occupied voxels over the images, and the label.

    Without images the points are drawn from above beside the label.

    Args:
        sample (OccDataSample): With ``gt_occ`` where there is a label.
        inputs (Mapping[str, Any]): ``points`` (P, 5) and ``imgs`` with their matrices, or one of both.
        meta (Mapping[str, Any]): ``metainfo`` of the data set, see :class:`OccSpec`.
        width (int): Width of the picture in pixels. Defaults to 1500.

    Returns:
        np.ndarray: Shape (height, width, 3).
    """
    spec = OccSpec.from_metainfo(meta)
    images = _views(inputs.get('imgs'))
    names = _names(sample, len(images))
    points = inputs['points'].numpy() if 'points' in inputs else np.zeros((0, 5), np.float32)
    occ = sample.gt_occ.numpy() if 'gt_occ' in sample else None
    rows = []
    if images:
        large = [fit_width(image, width // 3) for image in images]
        matrices = []
        for view, (image, small) in enumerate(zip(large, images)):
            # The map of the enlarged picture, with its half-pixel shift.
            scale = np.diag([image.shape[1] / small.shape[1], image.shape[0] / small.shape[0], 1.0])
            scale[:2, 2] = (np.diag(scale)[:2] - 1) / 2
            matrices.append(_matrices(inputs, view, scale))
        keyframe = points[points[:, 4] <= 0, :3].astype(np.float64)
        rows.append(image_grid([overlay_points(i, keyframe, m) for i, m in zip(large, matrices)], names, 3, width))
        if occ is not None:
            mask = sample.mask_camera.numpy() if 'mask_camera' in sample else None
            overlays = [overlay_occupancy(i, occ, m, spec, mask=mask) for i, m in zip(large, matrices)]
            kind = 'voxels' if mask is None else 'voxels that cameras see'
            rows.append(image_grid(overlays, [f'{name}: {kind}' for name in names], 3, width))
    side = min(400, width // 3)
    below = [] if images else [('LiDAR points from above', draw_points_bev(points[:, :3], spec, side))]
    if occ is not None:
        below.append(('label from above', fit_width(draw_bev(occ, spec, scale=2), side)))
        rest = width - side * len(below)
        below.append(('label', draw_oblique(occ, spec, (side, rest))))
    if below:
        row = np.hstack([add_title(picture, title) for title, picture in below])
        rows.append(np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255))
    return np.vstack([*rows, draw_legend(width, spec)])
