"""The interface through which a study measures a trained student, scene by scene, whatever its task.

Rules are fitted on calibration scenes, then held-out scenes are counted. What is kept of a scene adds up, so scores of
any choice of scenes follow without the model.

Shape letters: S scenes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from .measuring import Dataset, Predictor

Sums = Mapping[str, np.ndarray]
"""What scenes add to the scores, by part; of :meth:`ArmMeter.count` with the axis S in front and ``scenes`` (S,)."""


@dataclass(frozen=True)
class ArmMetric:
    """A score of a student.

    Args:
        name (str): Its name in files; one that ends with ``fitted`` uses rules of calibration scenes.
        part (str): Which of the sums it is made of.
        score (Callable): Its value from sums over scenes, of which it reads the part.
        label (str): Its name on the page.
        unit (str): Its unit.
        about (str): What it is, for a reader who meets it for the first time.
        digits (int): Digits behind the point. Defaults to 2.
        smaller_is_better (bool): Defaults to False.
    """

    name: str
    part: str
    score: Callable[[Sums], float]
    label: str
    unit: str
    about: str
    digits: int = 2
    smaller_is_better: bool = False

    @property
    def column(self) -> str:
        """Its name with its unit."""
        return f'{self.label} ({self.unit})'

    @property
    def gain_column(self) -> str:
        """The same of a gain, whose percents are percentage points."""
        return f'{self.label} ({"points" if self.unit == "%" else self.unit})'

    @property
    def direction(self) -> str:
        """Which way is better."""
        return 'less is better' if self.smaller_is_better else 'more is better'

    @property
    def sign(self) -> float:
        """Factor that makes more better."""
        return -1.0 if self.smaller_is_better else 1.0


def mean_of(part: str, place: int, number: int, sums: Sums) -> float:
    """Mean over whatever was counted: one place of a part of the sums over another; NaN where nothing was."""
    count = sums[part][number]
    return float(sums[part][place] / count) if count else float('nan')


class ArmRules(Protocol):
    """Decision rules of one student."""

    def as_json(self) -> dict[str, Any]:
        """Plain data."""


class ArmMeter(ABC):
    """Measures students of one task on the same frames.

    Args:
        calibration (Dataset): Packed samples with labels, on which rules are fitted.
        held_out (Dataset): Packed samples with labels, which are counted.
    """

    def __init__(self, calibration: Dataset, held_out: Dataset) -> None:
        self.calibration, self.held_out = calibration, held_out

    @abstractmethod
    def fit(self, predictor: Predictor) -> Any:
        """:class:`ArmRules` of a student, from the calibration scenes."""

    @abstractmethod
    def scene_of(self, sample: dict) -> str:
        """Scene of a packed sample."""

    @abstractmethod
    def frame(self, predictor: Predictor, sample: dict, index: int, rules: Any) -> dict[str, np.ndarray]:
        """What a held-out frame adds to each part of the sums."""

    def count(self, predictor: Predictor, rules: Any) -> dict[str, np.ndarray]:
        """What each held-out scene adds to the scores.

        Returns:
            dict[str, np.ndarray]: ``scenes`` (S,) in order, and the parts of :meth:`frame` with the axis S in front.
        """
        sums: dict[str, dict[str, np.ndarray]] = {}
        for index in tqdm(range(len(self.held_out)), desc='held-out frames', unit='frame'):
            sample = self.held_out[index]
            scene = sums.setdefault(self.scene_of(sample), {})
            for name, value in self.frame(predictor, sample, index, rules).items():
                scene[name] = scene.get(name, 0) + value
        names = sorted(sums)
        return {'scenes': np.array(names), **{key: np.stack([sums[n][key] for n in names]) for key in sums[names[0]]}}
