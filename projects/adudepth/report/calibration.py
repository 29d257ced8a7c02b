"""How well the predicted scale tells the size of the error.

P pixels, Q bins.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """Predicted scale against measured error, in bins of equal size sorted by the prediction.

    Args:
        predicted (np.ndarray): Mean predicted scale of each bin. Shape (Q,).
        measured (np.ndarray): Mean absolute log-depth error of each bin. Shape (Q,).
        rank_correlation (float): Spearman's correlation of scale and error over all pixels.
        area_under_sparsification (float): Mean error that is left when the most uncertain pixels are removed bin by
            bin, over the error of all pixels; 1 for a scale that says nothing, less is better.
    """

    predicted: np.ndarray
    measured: np.ndarray
    rank_correlation: float
    area_under_sparsification: float

    @property
    def mean_ratio(self) -> float:
        """Mean measured error over mean predicted scale; 1 is calibrated, more is overconfident."""
        return float(self.measured.mean() / self.predicted.mean())

    def as_json(self) -> dict:
        """Plain data."""
        return {
            'predicted': [round(float(value), 5) for value in self.predicted],
            'measured': [round(float(value), 5) for value in self.measured],
            'rank_correlation': round(self.rank_correlation, 4),
            'mean_ratio': round(self.mean_ratio, 4),
            'area_under_sparsification': round(self.area_under_sparsification, 4),
        }


def _ranks(values: np.ndarray) -> np.ndarray:
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind='stable')] = np.arange(len(values))
    return ranks


def calibrate(scale: np.ndarray, error: np.ndarray, bins: int = 20) -> Calibration:
    """Compare predicted scales with errors.

    For a Laplace distribution the scale b is the expected absolute error, so calibrated bins lie on the diagonal.

    Args:
        scale (np.ndarray): Predicted scale b of log depth. Shape (P,).
        error (np.ndarray): Absolute log-depth error. Shape (P,).
        bins (int): Number of bins, each with about the same number of pixels. Defaults to 20.

    Raises:
        ValueError: If there are fewer pixels than bins, or shapes differ.
    """
    if scale.shape != error.shape or scale.ndim != 1 or len(scale) < bins:
        raise ValueError(f'scale {scale.shape} and error {error.shape} must be (P,) with at least {bins} pixels')
    order = np.argsort(scale, kind='stable')
    parts = np.array_split(order, bins)
    predicted = np.array([scale[part].mean() for part in parts])
    measured = np.array([error[part].mean() for part in parts])
    correlation = float(np.corrcoef(_ranks(scale), _ranks(error))[0, 1])
    left = np.array([error[np.concatenate(parts[: count + 1])].mean() for count in range(bins)])
    return Calibration(predicted, measured, correlation, float(left.mean() / error.mean()))
