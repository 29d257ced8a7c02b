"""Mistakes of annotators: points of a wrong class, and boxes beside their objects."""

from dataclasses import dataclass

import numpy as np

from projects.occ_eval.classes import FREE_CLASS


@dataclass(frozen=True)
class LabelNoise:
    """How much is wrong.

    Args:
        wrong_points (float): Part of the points of each scan that have a wrong class, 0 to 1. Defaults to 0.
        box_offset (float): Standard deviation in metres, along each axis of a moving object's box, of its distance
            from where it belongs; drawn for each keyframe, and between keyframes in proportion to time. Defaults to 0.

    Raises:
        ValueError: If one is out of range.
    """

    wrong_points: float = 0.0
    box_offset: float = 0.0

    def __post_init__(self) -> None:
        """Check the range."""
        if not 0 <= self.wrong_points <= 1:
            raise ValueError(f'wrong_points must be from 0 to 1, got {self.wrong_points}')
        if not 0 <= self.box_offset < np.inf:
            raise ValueError(f'box_offset must be at least 0 metres, got {self.box_offset}')


def spoil_classes(classes: np.ndarray, part: float, rng: np.random.Generator) -> np.ndarray:
    """Give ``round(part * P)`` of the points another class, each of the 16 others as likely.

    Args:
        classes (np.ndarray): Occ3D class 0..16. Shape (P,).
        part (float): Part of the points.
        rng (np.random.Generator): Which points, and which classes.
    """
    chosen = rng.choice(len(classes), round(part * len(classes)), replace=False)
    spoilt = classes.copy()
    spoilt[chosen] = (classes[chosen] + rng.integers(1, FREE_CLASS, len(chosen))) % FREE_CLASS
    return spoilt


def offsets_at(time: float, times: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Offsets of boxes at any time: in proportion between two keyframes, constant before the first and after the last.

    Args:
        time (float): Time in seconds.
        times (np.ndarray): Times of the keyframes. Shape (K,).
        offsets (np.ndarray): Offsets of M boxes there. Shape (K, M, 3).

    Returns:
        np.ndarray: Shape (M, 3).
    """
    after = int(np.clip(np.searchsorted(times, time), 0, len(times) - 1))
    before = max(after - 1, 0)
    span = times[after] - times[before]
    part = np.clip((time - times[before]) / span, 0.0, 1.0) if span > 0 else 1.0
    return (1.0 - part) * offsets[before] + part * offsets[after]
