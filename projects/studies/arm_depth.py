"""Everything that a study measures of one trained student of depth, scene by scene (:mod:`.arm_meter`).

A scene is a drive. Every score is a mean over images, as the Eigen metrics are: the sums hold the values of images and
how many there were. "Fitted" is after the rule of :mod:`.depth_rule`.

Shape letters: S scenes, P pixels, H x W images.
"""

from functools import partial

import numpy as np
from mmengine.structures import BaseDataElement
from tqdm import tqdm

from projects.depth_eval import crop_mask, depth_edges, eigen_image
from projects.depth_eval.infos import drive_of

from .arm_meter import ArmMeter, ArmMetric, mean_of
from .depth_rule import DepthRule, fit_rule
from .measuring import Predictor

CROP, CAP, NEAREST = 'garg', 80.0, 1e-3
"""Box and range in metres in which pixels count, those of the Eigen metrics."""
PIXELS_PER_FRAME = 4000
"""Pixels of a calibration frame from which the rule is fitted."""


def _metric(
    name: str, sums: tuple[str, int, int], label: str, unit: str, about: str, digits: int, smaller: bool = True
) -> ArmMetric:
    """Metric that is one place of a part of the sums over another."""
    return ArmMetric(name, sums[0], partial(mean_of, *sums), label, unit, about, digits, smaller)


_FITTED = ' after the scale and the exponent of depth that were fitted on calibration drives.'
_DENSE = ' on the dense truth, fitted, '
DEPTH_METRICS = (
    _metric('abs_rel', ('raw', 0, 3), 'AbsRel', 'share', 'Error of the depth as a share of the true depth.', 4),
    _metric('abs_rel_fitted', ('fitted', 0, 3), 'AbsRel, fitted', 'share', f'AbsRel{_FITTED}', 4),
    _metric(
        'd1',
        ('raw', 1, 3),
        'd1',
        'share',
        'Pixels within a factor of 1.25 of the true depth.',
        4,
        smaller=False,
    ),
    _metric('d1_fitted', ('fitted', 1, 3), 'd1, fitted', 'share', f'd1{_FITTED}', 4, smaller=False),
    _metric('rmse', ('raw', 2, 3), 'RMSE', 'm', 'Root of the mean squared error of the depth.', 3),
    _metric('rmse_fitted', ('fitted', 2, 3), 'RMSE, fitted', 'm', f'RMSE{_FITTED}', 3),
    _metric(
        'nll',
        ('nll', 0, 2),
        'NLL',
        'nats',
        'Negative log-likelihood: minus the log of the density that a student gives to the true log depth of a pixel, '
        'a Laplace distribution with the scale that it predicts.',
        3,
    ),
    _metric('nll_fitted', ('nll', 1, 2), 'NLL, fitted', 'nats', f'NLL{_FITTED[:-1]}, and a factor of the scale.', 3),
    _metric(
        'edge_rel_fitted',
        ('edges', 0, 1),
        'AbsRel at edges',
        'share',
        f'AbsRel{_DENSE}near places where depth jumps by a quarter.',
        4,
    ),
    _metric(
        'smooth_rel_fitted', ('edges', 2, 3), 'AbsRel off edges', 'share', f'AbsRel{_DENSE}away from such places.', 4
    ),
)
"""Eigen metrics on the sparse truth; the likelihood of its log depth; AbsRel on the dense truth at depth edges and
elsewhere."""


def eigen_sums(truth: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """What an image adds: AbsRel, d1, RMSE in metres, and 1; zeros without truth.

    Args:
        truth (np.ndarray): Metres, 0 = none. Shape (H, W).
        depth (np.ndarray): Predicted, in metres. Shape (H, W).

    Returns:
        np.ndarray: Shape (4,).
    """
    found = eigen_image(truth, depth, CROP, CAP, NEAREST)
    return np.zeros(4) if found is None else np.array([found['abs_rel'], found['d1'], found['rmse'], 1.0])


def likelihood_sums(error: np.ndarray, fitted_error: np.ndarray, log_scale: np.ndarray, factor: float) -> np.ndarray:
    """What an image adds: nats a pixel of a Laplace distribution of log depth, raw and fitted, and 1.

    The scale of a student that was trained with ``likelihood='gaussian'`` means another thing: leave such arms out.

    Args:
        error (np.ndarray): Log of predicted depth minus log of truth. Shape (P,).
        fitted_error (np.ndarray): The same after the rule. Shape (P,).
        log_scale (np.ndarray): Log of the predicted scale. Shape (P,).
        factor (float): Factor of the scale of the fitted likelihood.

    Returns:
        np.ndarray: Shape (3,); zeros without pixels.
    """
    if len(error) == 0:
        return np.zeros(3)
    fitted_scale = log_scale + np.log(factor)
    pairs = ((error, log_scale), (fitted_error, fitted_scale))
    return np.array([*(np.mean(np.abs(e) * np.exp(-s) + s + np.log(2.0)) for e, s in pairs), 1.0])


def edge_sums(dense: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """What an image adds: AbsRel near depth edges and 1, AbsRel elsewhere and 1; zeros where no pixel counts.

    Args:
        dense (np.ndarray): True depth of every pixel in metres, 0 = sky. Shape (H, W).
        depth (np.ndarray): Predicted, in metres. Shape (H, W).

    Returns:
        np.ndarray: Shape (4,).
    """
    valid = (dense > NEAREST) & (dense < CAP) & crop_mask(dense.shape, CROP)
    error = np.abs(np.clip(depth, NEAREST, CAP) - dense) / np.where(valid, dense, 1.0)
    edges = depth_edges(dense)
    found: list[float] = []
    for mask in (valid & edges, valid & ~edges):
        found += [float(error[mask].mean()), 1.0] if mask.any() else [0.0, 0.0]
    return np.array(found)


def _pixels(data: BaseDataElement) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logs of predicted depth, truth and predicted scale (NaN without one) of a frame where truth counts, each (P,)."""
    truth = data.gt_depth.numpy()
    valid = (truth > NEAREST) & (truth < CAP) & crop_mask(truth.shape, CROP)
    log_depth, log_truth = (np.log(values[valid].astype(np.float64)) for values in (data.pred_depth.numpy(), truth))
    scale = data.pred_log_scale.numpy()[valid] if 'pred_log_scale' in data else np.full(len(log_depth), np.nan)
    return log_depth, log_truth, scale.astype(np.float64)


class DepthArmMeter(ArmMeter):
    """Measures students of depth; see :class:`ArmMeter`.

    The parts of the sums are ``raw`` and ``fitted`` (S, 4) of :func:`eigen_sums`, ``nll`` (S, 3) of
    :func:`likelihood_sums`, NaN for a student without a scale, and ``edges`` (S, 4) of :func:`edge_sums` after the
    rule, zeros for data without dense truth.

    Args:
        calibration (Dataset): Packed samples with depth, on which the rule is fitted.
        held_out (Dataset): Packed samples with depth, which are counted.
    """

    def fit(self, predictor: Predictor) -> DepthRule:
        """The rule of a student, from about as many pixels of each calibration frame."""
        found: list[tuple[np.ndarray, ...]] = []
        for index in tqdm(range(len(self.calibration)), desc='calibration frames', unit='frame'):
            pixels = _pixels(predictor.predict(self.calibration[index]))
            step = max(1, len(pixels[0]) // PIXELS_PER_FRAME)
            found.append(tuple(values[::step] for values in pixels))
        return fit_rule(*(np.concatenate(values) for values in zip(*found)))

    def scene_of(self, sample: dict) -> str:
        """Drive of the frame."""
        return drive_of(sample['data_samples'].frame_id)

    def frame(self, predictor: Predictor, sample: dict, index: int, rules: DepthRule) -> dict[str, np.ndarray]:
        """What a held-out frame adds."""
        data = predictor.predict(sample)
        log_depth, log_truth, log_scale = _pixels(data)
        depth, truth = data.pred_depth.numpy().astype(np.float64), data.gt_depth.numpy()
        fitted = rules.apply(depth)
        errors = (log_depth - log_truth, rules.apply_log(log_depth) - log_truth)
        edges = edge_sums(data.gt_depth_dense.numpy(), fitted) if 'gt_depth_dense' in data else np.zeros(4)
        return {
            'raw': eigen_sums(truth, depth),
            'fitted': eigen_sums(truth, fitted),
            'nll': likelihood_sums(*errors, log_scale, rules.scale_factor),
            'edges': edges,
        }
