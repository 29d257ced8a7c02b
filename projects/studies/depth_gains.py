"""What ADU-Depth gains over the student alone in the demo of depth, metric by metric, with its noise over drives.

F frames.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from .depth_result import COLUMNS, HIGHER_IS_BETTER
from .depth_scores import DepthMeter
from .scene_gains import MetricSums, over_scenes
from .statistics import Gain


def depth_gains(seeds: Sequence[Mapping[str, DepthMeter]], scenes: Sequence[str]) -> dict[str, Gain]:
    """Gains in percent of what the student alone reaches, mean over seeds; more is better, also for errors.

    Args:
        seeds (Sequence[Mapping[str, DepthMeter]]): ``baseline`` and ``adudepth`` of each seed.
        scenes (Sequence[str]): Scene of each frame. Length F.

    Returns:
        dict[str, Gain]: By metric of ``depth_result.COLUMNS``.
    """
    gains = {}
    for metric in COLUMNS:
        arm, control = (
            np.stack([meters[name].frame_sums(metric) for meters in seeds]) for name in ('adudepth', 'baseline')
        )
        change = _rise if metric in HIGHER_IS_BETTER else _fall
        gains[metric] = over_scenes(MetricSums(arm, [control], _mean, change), scenes)
    return gains


def _mean(sums: np.ndarray) -> float:
    return float(sums[0] / sums[1]) if sums[1] else float('nan')


def _rise(arm: float, control: float) -> float:
    return 100 * (arm / control - 1)


def _fall(arm: float, control: float) -> float:
    return -_rise(arm, control)
