"""How well the predicted scale tells the size of the error.

P pixels, Q bins.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure as MplFigure
from scipy.stats import rankdata

from projects.reporting import figure_to_svg, hide_frame

from .curves import STYLES
from .statistics import rounded_or_none


@dataclass(frozen=True)
class Calibration:
    """Predicted scale against measured error, in bins of equal size sorted by the prediction.

    Args:
        predicted (np.ndarray): Mean predicted scale of each bin. Shape (Q,).
        measured (np.ndarray): Mean absolute log-depth error of each bin. Shape (Q,).
        rank_correlation (float): Spearman's correlation of scale and error over all pixels; NaN where all scales are
            equal.
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
        """Plain data; NaN becomes None."""
        return {
            'predicted': [round(float(value), 5) for value in self.predicted],
            'measured': [round(float(value), 5) for value in self.measured],
            'rank_correlation': rounded_or_none(self.rank_correlation, 4),
            'mean_ratio': round(self.mean_ratio, 4),
            'area_under_sparsification': round(self.area_under_sparsification, 4),
        }


def calibrate(scale: np.ndarray, error: np.ndarray, bins: int = 20) -> Calibration:
    """Compare predicted scales with errors.

    For a Laplace distribution the scale b is the expected absolute error, so calibrated bins lie on the diagonal.

    Pixels of equal scale, as at the limit of the head, count as the mean of them: their order in the image says
    something of the error (far things are at the top), and nothing of the scale.

    Args:
        scale (np.ndarray): Predicted scale b of log depth. Shape (P,).
        error (np.ndarray): Absolute log-depth error. Shape (P,).
        bins (int): Number of bins, each with about the same number of pixels. Defaults to 20.

    Raises:
        ValueError: If there are fewer pixels than bins, or shapes differ.
    """
    if scale.shape != error.shape or scale.ndim != 1 or len(scale) < bins:
        raise ValueError(f'scale {scale.shape} and error {error.shape} must be (P,) with at least {bins} pixels')
    parts = np.array_split(np.argsort(scale, kind='stable'), bins)
    _, equal = np.unique(scale, return_inverse=True)
    expected = (np.bincount(equal, error) / np.bincount(equal))[equal]
    predicted = np.array([scale[part].mean() for part in parts])
    measured = np.array([expected[part].mean() for part in parts])
    ranks = rankdata(scale), rankdata(error)
    correlation = float(np.corrcoef(*ranks)[0, 1]) if np.ptp(scale) and np.ptp(error) else float('nan')
    left = np.array([expected[np.concatenate(parts[: count + 1])].mean() for count in range(bins)])
    return Calibration(predicted, measured, correlation, float(left.mean() / error.mean()))


def calibration_chart(calibrations: Mapping[str, Calibration], names: Mapping[str, str]) -> str:
    """Measured error over predicted scale, with the diagonal of a calibrated prediction.

    Args:
        calibrations (Mapping[str, Calibration]): By model.
        names (Mapping[str, str]): Name of each model for the legend.

    Returns:
        str: Inline SVG.
    """
    figure = MplFigure(figsize=(6.4, 4.8))
    axes = figure.add_subplot()
    values = np.concatenate([np.concatenate([c.predicted, c.measured]) for c in calibrations.values()])
    low, high = max(values.min(), 1e-3) * 0.8, values.max() * 1.25
    axes.plot([low, high], [low, high], color='black', linewidth=0.8, label='calibrated')
    for name, calibration in calibrations.items():
        label = f'{names[name]}, rank correlation {calibration.rank_correlation:.2f}'
        axes.plot(calibration.predicted, calibration.measured, marker='o', ms=3.5, label=label, **STYLES[name])
    axes.set_xscale('log')
    axes.set_yscale('log')
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_xlabel('predicted scale of the log-depth error (no unit)')
    axes.set_ylabel('mean absolute log-depth error (no unit)')
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8, loc='upper center', bbox_to_anchor=(0.5, -0.13), ncol=1)
    hide_frame(axes)
    return figure_to_svg(figure)
