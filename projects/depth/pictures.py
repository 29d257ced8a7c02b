"""What a frame and its prediction look like. All pictures are RGB uint8; H x W network input."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from projects.engine import add_title, draw_prediction, fit_width, image_grid

from .structures import DepthDataSample
from .visualization import (
    FAR,
    colour_depth,
    colour_error,
    colour_scale,
    draw_depth_legend,
    draw_map,
    overlay_map,
    overlay_points,
)

_WIDTH, _COLUMNS = 1260, 2


def _rgb(image: torch.Tensor) -> np.ndarray:
    """Picture (H, W, 3) of a packed image (3, H, W) in BGR order."""
    return np.ascontiguousarray(image.cpu().numpy()[::-1].transpose(1, 2, 0))


def _map(value: torch.Tensor) -> np.ndarray:
    return value.detach().cpu().numpy()


@draw_prediction.register
def draw_depth_prediction(
    sample: DepthDataSample, inputs: Mapping[str, Any], meta: Mapping[str, Any] | None = None
) -> np.ndarray:
    """Image, predicted depth, truth and error where there is truth, and the predicted scale of the error.

    All depths have the same colours. The dense truth is drawn where the sample has it, else the measured one.

    Args:
        sample (DepthDataSample): With ``pred_depth``.
        inputs (Mapping[str, Any]): ``img`` (3, H, W) uint8 BGR.
        meta (Mapping[str, Any] | None): Unused. Defaults to None.

    Returns:
        np.ndarray: Shape (height, 1260, 3).
    """
    width = _WIDTH // _COLUMNS
    image, depth = _rgb(inputs['img']), _map(sample.pred_depth)
    cells = {'image': image, 'predicted depth': colour_depth(depth)}
    truth = next((_map(sample.get(key)) for key in ('gt_depth_dense', 'gt_depth') if key in sample), None)
    if truth is not None and (truth > 0).any():
        valid = (truth > 0) & (truth < FAR)
        error = np.abs(depth - truth) / np.where(valid, truth, 1.0)
        mean = f'relative error, mean {100 * error[valid].mean():.1f} %' if valid.any() else 'no truth within 80 m'
        cells['true depth'] = draw_map(image, truth, colour_depth(truth), width)
        cells[mean] = draw_map(image, np.where(valid, truth, 0), colour_error(error, valid), width)
    if 'pred_log_scale' in sample:
        cells['predicted scale of the log-depth error'] = colour_scale(np.exp(_map(sample.pred_log_scale)))
    grid = image_grid([fit_width(cell, width) for cell in cells.values()], list(cells), _COLUMNS, _WIDTH)
    return np.vstack([grid, draw_depth_legend(_WIDTH, errors=len(cells) > 2)])


def draw_depth_inputs(
    sample: DepthDataSample, inputs: Mapping[str, Any], meta: Mapping[str, Any] | None = None, width: int = 1500
) -> np.ndarray:
    """What a model is given, after augmentation: images with the truth over the left and, moved, over the right one.

    In a pair that is right, points lie on the same things in both images.

    Args:
        sample (DepthDataSample): With ``gt_depth``.
        inputs (Mapping[str, Any]): ``img`` and, of a pair, ``right_img`` (3, H, W) uint8 BGR, ``cam2img`` (3, 3) and
            ``baseline`` in metres.
        meta (Mapping[str, Any] | None): Unused. Defaults to None.
        width (int): Width of the picture in pixels. Defaults to 1500.

    Returns:
        np.ndarray: Shape (height, width, 3).
    """
    column = width // _COLUMNS
    left, truth = _rgb(inputs['img']), _map(sample.gt_depth)
    cells = {'left image': fit_width(left, column)}
    cells['depth map'] = overlay_map(left, truth, colour_depth(truth), column)
    if 'right_img' in inputs:
        right = _rgb(inputs['right_img'])
        rows, columns = np.nonzero(truth > 0)
        depth = truth[rows, columns]
        disparity = float(inputs['cam2img'][0, 0]) * float(inputs['baseline']) / depth
        pixels = np.stack([columns - disparity, rows], 1)
        cells['right image'] = fit_width(right, column)
        cells['depth map of the left camera, moved by its disparity'] = overlay_points(
            right, pixels, depth, colour_depth(depth), column
        )
    note = 'mirrored' if sample.get('flipped') else 'not mirrored'
    title = f'{sample.frame_id}: {left.shape[1]}x{left.shape[0]} pixels, {note}'
    grid = image_grid(list(cells.values()), list(cells), _COLUMNS, width)
    return np.vstack([add_title(grid, title), draw_depth_legend(width, errors=False)])
