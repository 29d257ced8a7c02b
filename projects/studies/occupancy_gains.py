"""What RadOcc gains over the students alone in the demo of occupancy, metric by metric, with its noise over scenes.

F frames, C classes.
"""

import operator
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from projects.occupancy.evaluation import geometric_iou, mean_iou

from .occupancy_result import ALONE
from .occupancy_scores import OccupancyMeter
from .ray_depth import RayDepthMeter, percent
from .scene_gains import MetricSums, over_scenes
from .statistics import Gain


def best_thresholds(raised: Mapping[str, str], rays: RayDepthMeter) -> dict[str, str]:
    """The better student alone, and the one under the teacher, each at the threshold of "free" that does most for it.

    Args:
        raised (Mapping[str, str]): Name in ``rays`` of every student at its best threshold.
        rays (RayDepthMeter): What was measured.

    Returns:
        dict[str, str]: Name in ``rays`` by name of the row.
    """
    alone = max((raised[name] for name in ALONE), key=lambda name: rays.score(name).within)
    return {'alone_best_threshold': alone, 'radocc_best_threshold': raised['radocc']}


def occupancy_gains(
    voxels: Mapping[str, OccupancyMeter], rays: RayDepthMeter, raised: Mapping[str, str], scenes: Sequence[str]
) -> dict[str, Gain]:
    """Gains in percentage points, each over the best student alone of that metric.

    Args:
        voxels (Mapping[str, OccupancyMeter]): By student.
        rays (RayDepthMeter): Rays of the students, also at other thresholds.
        raised (Mapping[str, str]): Name in ``rays`` of every student at its best threshold.
        scenes (Sequence[str]): Scene of each frame. Length F.

    Returns:
        dict[str, Gain]: By name of ``occupancy_result.GAIN_NAMES``.
    """
    free = voxels['radocc'].free_class
    hists = {name: np.stack(meter.frames) for name, meter in voxels.items()}
    plain = {name: rays.counts(name) for name in raised}
    best = {name: rays.counts(found) for name, found in raised.items()}

    def gain(
        sums: Mapping[str, np.ndarray], score: Callable[[np.ndarray], float], more: Callable = operator.sub
    ) -> Gain:
        controls = [sums[name][None] for name in ALONE]
        return over_scenes(MetricSums(sums['radocc'][None], controls, score, more), scenes)

    return {
        'miou': gain(hists, lambda hist: 100 * mean_iou(hist, free)),
        'iou': gain(hists, lambda hist: 100 * geometric_iou(hist, free)),
        'within': gain(plain, _within),
        'within_best': gain(best, _within),
        'false_ends': gain(plain, _false_ends, _fewer),
        'false_ends_best': gain(best, _false_ends, _fewer),
    }


def _within(counts: np.ndarray) -> float:
    return percent(counts[0], counts[1])


def _false_ends(counts: np.ndarray) -> float:
    return percent(counts[2], counts[3])


def _fewer(arm: float, control: float) -> float:
    return control - arm
