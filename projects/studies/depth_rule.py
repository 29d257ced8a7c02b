"""The decision rule of a depth student, fitted on calibration drives: the same procedure for every arm.

AbsRel of a raw prediction says as much about a constant factor as about what a student knows. So each arm gets the
scale and the exponent that suit it best, on drives that no comparison sees.

Shape letters: P pixels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from .statistics import rounded_or_none

EXPONENTS = (0.25, 4.0)
"""Range in which the exponent is looked for."""


@dataclass(frozen=True)
class DepthRule:
    """Depth in metres becomes ``scale * depth ** exponent``, the predicted scale ``scale_factor`` times as large.

    Args:
        scale (float): Scale of depth.
        exponent (float): Exponent of depth.
        scale_factor (float): Factor of the predicted scale of the log-depth error; NaN without such a scale.
    """

    scale: float
    exponent: float
    scale_factor: float

    def apply(self, depth: np.ndarray) -> np.ndarray:
        """Fitted depth in metres, of any shape."""
        return self.scale * depth**self.exponent

    def apply_log(self, log_depth: np.ndarray) -> np.ndarray:
        """Log of the fitted depth, from the log of the predicted one."""
        return np.log(self.scale) + self.exponent * log_depth

    def as_json(self) -> dict[str, Any]:
        """Plain data; NaN becomes None."""
        return {name: rounded_or_none(value, 4) for name, value in vars(self).items()}


def fit_rule(log_depth: np.ndarray, log_truth: np.ndarray, log_scale: np.ndarray) -> DepthRule:
    """Scale and exponent with the smallest mean absolute error of log depth, then the most likely scale factor.

    For an exponent, the best offset of log depth is the median of what is left; the error is convex in the exponent.
    The scale factor of a Laplace distribution is the mean of the absolute errors over their predicted scales.

    Args:
        log_depth (np.ndarray): Log of the predicted depth. Shape (P,).
        log_truth (np.ndarray): Log of the truth. Shape (P,).
        log_scale (np.ndarray): Log of the predicted scale of the log-depth error, NaN without one. Shape (P,).

    Raises:
        ValueError: If there are no pixels.
    """
    if len(log_depth) == 0:
        raise ValueError('the calibration drives have no pixel with truth, so no rule can be fitted')

    def error(exponent: float) -> float:
        left = log_truth - exponent * log_depth
        return float(np.abs(left - np.median(left)).mean())

    exponent = float(minimize_scalar(error, bounds=EXPONENTS, method='bounded', options={'xatol': 1e-5}).x)
    left = log_truth - exponent * log_depth
    offset = float(np.median(left))
    factor = float(np.mean(np.abs(left - offset) * np.exp(-log_scale)))
    return DepthRule(float(np.exp(offset)), exponent, factor if np.isnan(factor) else max(factor, 1e-6))
