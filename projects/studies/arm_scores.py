"""Everything that a study measures of one trained student of occupancy, scene by scene (:mod:`.arm_meter`).

Decision rules are fitted on calibration scenes (:mod:`.decision`).

Shape letters: S scenes, V voxels, C classes, R rays, Q bins along a ray.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from projects.occupancy.classes import OCC3D, UNLABELLED
from projects.occupancy.evaluation import RayIoUMetric, confusion_matrix, geometric_iou, mean_iou, mean_rayiou

from .arm_meter import ArmMeter, ArmMetric, Sums, mean_of
from .decision import fit_biases, fit_scaling
from .measuring import Dataset, Predictor
from .ray_depth import RayTruth, percent, raise_free, render_depths

FREE_SHIFTS = np.linspace(-2.0, 3.0, 11)
"""Amounts by which the free logit is raised before rays are rendered; the best on calibration scenes is taken."""
VOXELS_PER_FRAME = 20000
NEAR, FAR = 1.0, 40.0


def _iou(part: str, iou: Callable[[np.ndarray, int], float], sums: Sums) -> float:
    return 100 * iou(sums[part], OCC3D.free_class)


def _rayiou(sums: Sums) -> float:
    return 100 * mean_rayiou(sums['rayiou'])['mean']


def _within_25(sums: Sums) -> float:
    return percent(sums['rays'][2], sums['rays'][1])


OCC_METRICS = (
    ArmMetric(
        'miou',
        'hist',
        partial(_iou, 'hist', mean_iou),
        'mIoU',
        '%',
        'Intersection over union (IoU) of predicted and true voxels of a class, mean over the 17 classes, at the most '
        'likely class of each voxel that cameras see.',
    ),
    ArmMetric(
        'miou_fitted',
        'hist_fitted',
        partial(_iou, 'hist_fitted', mean_iou),
        'mIoU, fitted',
        '%',
        'mIoU after each class got the bias that does most for it on calibration scenes: what a model knows, wherever '
        'it stands between "occupied" and "free".',
    ),
    ArmMetric(
        'iou',
        'hist',
        partial(_iou, 'hist', geometric_iou),
        'IoU',
        '%',
        'Intersection over union of occupied voxels, whatever their class.',
    ),
    ArmMetric(
        'iou_fitted',
        'hist_fitted',
        partial(_iou, 'hist_fitted', geometric_iou),
        'IoU, fitted',
        '%',
        'IoU with the biases of mIoU, fitted.',
    ),
    ArmMetric(
        'rayiou',
        'rayiou',
        _rayiou,
        'RayIoU, fitted',
        '%',
        'IoU of what the rays of a virtual LiDAR hit first, mean over classes and over errors of 1, 2 and 4 m that are '
        'forgiven, with the same biases.',
    ),
    ArmMetric(
        'voxel_nll',
        'nll',
        partial(mean_of, 'nll', 0, 2),
        'NLL of voxels',
        'nats',
        'Negative log-likelihood: minus the log of the probability that a model gives to the true class of a voxel, '
        'without the class weights of its training.',
        3,
        smaller_is_better=True,
    ),
    ArmMetric(
        'voxel_nll_fitted',
        'nll',
        partial(mean_of, 'nll', 1, 2),
        'NLL of voxels, fitted',
        'nats',
        'NLL of voxels after a factor and biases that were fitted on calibration scenes.',
        3,
        smaller_is_better=True,
    ),
    ArmMetric(
        'ray_nll',
        'rays',
        partial(mean_of, 'rays', 0, 1),
        'NLL of rays',
        'nats',
        'Minus the log of the probability that a rendered ray of a camera ends within one bin of the true depth, 1 to '
        '40 m; the free logit is shifted as calibration scenes say.',
        3,
        smaller_is_better=True,
    ),
    ArmMetric(
        'ray_25',
        'rays',
        _within_25,
        'rays within 25 %',
        '%',
        'Rays of cameras whose rendered depth is within 25 % of the true depth, 1 to 40 m; with the same shift.',
    ),
)
"""Percent, but for the negative log-likelihoods (nats); ``fitted`` and both of rays use rules of calibration scenes."""


@dataclass(frozen=True)
class Rules:
    """Decision rules of one student.

    Args:
        biases (Tensor): Added to the logits before the most likely class is taken. Shape (C,).
        factor (float): Factor of the calibrated logits, for likelihoods.
        offsets (Tensor): Added to them. Shape (C,).
        free_shift (float): Added to the free logit before rays are rendered.
    """

    biases: Tensor
    factor: float
    offsets: Tensor
    free_shift: float

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'biases': [round(float(value), 4) for value in self.biases],
            'factor': round(self.factor, 4),
            'offsets': [round(float(value), 4) for value in self.offsets],
            'free_shift': self.free_shift,
        }


def ray_likelihood(weights: Tensor, truth: np.ndarray, edges: Tensor) -> np.ndarray:
    """Sums of rays whose true depth is known: negative log-likelihood of the label's bin or its neighbours, and number.

    Args:
        weights (Tensor): Where rays end. Shape (R, Q).
        truth (np.ndarray): True depth in metres; NaN and infinity do not count. Shape (R,).
        edges (Tensor): Starts of the bins, then the end of the last. Shape (Q + 1,).

    Returns:
        np.ndarray: Sum of ``-log(weight within one bin)`` and number of rays, float64. Shape (2,).
    """
    known = (truth >= NEAR) & (truth <= FAR)
    bins = np.searchsorted(edges.numpy(), truth[known], side='right') - 1
    bins[truth[known] >= float(edges[-1])] = -9  # beyond the bins: no weight is near
    chosen = weights.double().numpy()[known]
    near = np.clip(bins[:, None] + np.arange(-1, 2), 0, chosen.shape[1] - 1)
    inside = (bins[:, None] + np.arange(-1, 2) == near) * np.take_along_axis(chosen, near, axis=1)
    return np.array([-np.log(np.maximum(inside.sum(axis=1), 1e-6)).sum(), known.sum()], float)


class OccArmMeter(ArmMeter):
    """Measures students of occupancy; see :class:`ArmMeter`.

    The parts of the sums are ``hist`` and ``hist_fitted`` (S, C, C), ``nll`` (S, 3) of calibrated and fitted logits and
    number of voxels, ``rayiou`` (S, 5, C - 1), ``rays`` (S, 3) of negative log-likelihood, number, and those within
    25 %.

    Args:
        calibration (Dataset): Packed samples with labels, on which rules are fitted.
        held_out (Dataset): Packed samples with labels, which are counted.
        rays (RayTruth): Rays of a sample and their true depths.
        ray_step (int): Every so many frames have their rays rendered. Defaults to 2.
    """

    def __init__(self, calibration: Dataset, held_out: Dataset, rays: RayTruth, ray_step: int = 2) -> None:
        super().__init__(calibration, held_out)
        self.rays, self.ray_step = rays, ray_step
        self.spec = held_out.spec
        self.rayiou = RayIoUMetric(ann_file=held_out.ann_file)
        self.rayiou.dataset_meta = held_out.metainfo

    @torch.no_grad()
    def _outputs(self, predictor: Predictor, sample: dict) -> tuple[Tensor, Tensor]:
        """Logits and calibrated logits, float32 on the CPU. Shape (1, X, Y, Z, C) each."""
        outputs = predictor.outputs(sample)
        return outputs['occ_logits'].float().cpu(), outputs['calibrated_logits'].float().cpu()

    def fit(self, predictor: Predictor) -> Rules:
        """Decision rules on the calibration scenes."""
        raw, calibrated, labels = [], [], []
        rays = np.zeros((len(FREE_SHIFTS), 2))
        for index in tqdm(range(len(self.calibration)), desc='calibration frames', unit='frame'):
            sample = self.calibration[index]
            logits, probable = self._outputs(predictor, sample)
            chosen = self._known(sample)
            chosen = chosen[:: max(1, len(chosen) // VOXELS_PER_FRAME)]
            raw.append(logits[0].flatten(0, 2)[chosen].half())
            calibrated.append(probable[0].flatten(0, 2)[chosen].half())
            labels.append(sample['data_samples'].gt_occ.flatten()[chosen])
            if index % self.ray_step == 0:
                rays += [self._ray_sums(probable, sample, shift)[:2] for shift in FREE_SHIFTS]
        ids = torch.cat(labels).long()
        factor, offsets = fit_scaling(torch.cat(calibrated)[::4], ids[::4])
        biases = fit_biases(torch.cat(raw), ids, self.spec.free_class)
        return Rules(biases, factor, offsets, float(FREE_SHIFTS[int(np.argmin(rays[:, 0]))]))

    def scene_of(self, sample: dict) -> str:
        """Name of the scene."""
        return sample['data_samples'].metainfo['scene_name']

    def frame(self, predictor: Predictor, sample: dict, index: int, rules: Rules) -> dict[str, np.ndarray]:
        """What a held-out frame adds; rays of every ``ray_step``-th frame count."""
        return self._frame(*self._outputs(predictor, sample), sample, rules, index % self.ray_step == 0)

    def _known(self, sample: dict) -> Tensor:
        """Indices of the voxels that count: seen by the cameras and labelled."""
        data = sample['data_samples']
        return torch.where((data.mask_camera & (data.gt_occ != UNLABELLED)).flatten())[0]

    def _frame(
        self, logits: Tensor, probable: Tensor, sample: dict, rules: Rules, with_rays: bool
    ) -> dict[str, np.ndarray]:
        data, classes = sample['data_samples'], len(self.spec.classes)
        chosen = self._known(sample)
        labels = data.gt_occ.flatten()[chosen]
        z, p = logits[0].flatten(0, 2)[chosen], probable[0].flatten(0, 2)[chosen]
        nll = [
            torch.nn.functional.cross_entropy(values, labels.long(), reduction='sum').item()
            for values in (p, rules.factor * p + rules.offsets)
        ]
        hists = [
            confusion_matrix(values.argmax(1).to(torch.uint8).numpy(), labels.numpy(), classes)
            for values in (z, z + rules.biases)
        ]
        fitted = (logits[0] + rules.biases).argmax(-1).to(torch.uint8)
        self.rayiou.process({}, [{'token': data.metainfo['token'], 'pred_occ': fitted, 'gt_occ': data.gt_occ}])
        return {
            'hist': hists[0],
            'hist_fitted': hists[1],
            'nll': np.array([*nll, len(chosen)]),
            'rayiou': self.rayiou.results.pop(),
            'rays': self._ray_sums(probable, sample, rules.free_shift) if with_rays else np.zeros(3),
        }

    def _ray_sums(self, logits: Tensor, sample: dict, shift: float) -> np.ndarray:
        """Negative log-likelihood, number, and those within 25 % of the true depth."""
        prepared, truth = self.rays.of(sample)
        rendered, depth = render_depths(self.rays.renderer, raise_free(logits, shift), prepared)
        sums = ray_likelihood(rendered['weights'][0], truth, self.rays.edges())
        known = (truth >= NEAR) & (truth <= FAR)
        ratio = np.maximum(depth.numpy()[known], 1e-6) / truth[known]
        return np.append(sums, (np.maximum(ratio, 1 / ratio) < 1.25).sum())
