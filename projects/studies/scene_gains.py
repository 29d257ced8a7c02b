"""What the student under the teacher gains in a demo, and how much of it other scenes might have given.

Shape letters: R runs (seeds), F frames, S scenes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from projects.reporting import Figure, interval_chart

from .statistics import Gain, gain_of_differences, scene_interval


@dataclass(frozen=True)
class MetricSums:
    """One metric of the student under the teacher and of the students alone.

    Args:
        arm (np.ndarray): What each frame adds to the metric. Shape (R, F, ...).
        controls (Sequence[np.ndarray]): The same of every student alone.
        score (Callable): The metric of a sum over frames, shape (...).
        gain (Callable): What is gained when the metric goes from its second argument to its first; more is better.
    """

    arm: np.ndarray
    controls: Sequence[np.ndarray]
    score: Callable[[np.ndarray], float]
    gain: Callable[[float, float], float]


def over_scenes(sums: MetricSums, scenes: Sequence[str]) -> Gain:
    """Gain over the best student alone, with the interval that a paired bootstrap over scenes gives.

    Args:
        sums (MetricSums): One metric.
        scenes (Sequence[str]): Scene of each frame. Length F.
    """
    arm, *controls = (_by_scene(frames, scenes) for frames in (sums.arm, *sums.controls))
    gains = [np.array([_gain(sums, a, c) for a, c in zip(arm, control)]) for control in controls]
    best = int(np.argmin([values.mean() for values in gains]))
    interval = scene_interval(arm, controls[best], sums.score, gain=sums.gain)
    return gain_of_differences(gains[best], *interval)


def _by_scene(frames: np.ndarray, scenes: Sequence[str]) -> np.ndarray:
    """Sums of frames (R, F, ...) over each scene. Shape (R, S, ...)."""
    names = np.asarray(scenes)
    return np.stack([frames[:, names == name].sum(axis=1) for name in np.unique(names)], axis=1)


def _gain(sums: MetricSums, arm: np.ndarray, control: np.ndarray) -> float:
    """Gain of one run from what scenes add, (S, ...) each."""
    return sums.gain(sums.score(arm.sum(axis=0)), sums.score(control.sum(axis=0)))


def in_words(gain: Gain, digits: int = 1) -> str:
    """'better' or 'worse' where the interval over scenes lies on one side of zero, and the gain is not 0.0 itself with
    the digits that are shown; else 'no better'.
    """
    if not float(f'{gain.mean:.{digits}f}'):
        return 'no better'
    return 'better' if gain.low > 0 else 'worse' if gain.high < 0 else 'no better'


def in_numbers(gain: Gain, digits: int = 1, unit: str = '') -> str:
    """Gain and interval for a sentence, as in '+1.2 %, 95 % over scenes -0.3 to +2.0'."""
    mean, low, high = (f'{value:+.{digits}f}' for value in (gain.mean, gain.low, gain.high))
    return f'{mean}{unit}, 95 % over scenes {low} to {high}'


def gain_figure(gains: Mapping[str, Gain], unit: str) -> Figure:
    """All metrics in one chart, each with its interval over scenes.

    Args:
        gains (Mapping[str, Gain]): By the name that the reader sees.
        unit (str): Unit of all gains.
    """
    rows = {name: (gain.mean, gain.low, gain.high) for name, gain in gains.items()}
    caption = (
        'What the student gains under the teacher, over the best student alone of each row; right is better. Bars: '
        '95 % when other scenes had been drawn (paired bootstrap). Another seed of the training adds noise that they '
        'do not hold.'
    )
    return Figure(interval_chart({'gain': rows}, f'gain ({unit})'), caption, False)
