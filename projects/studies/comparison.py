"""Two sets of predictions of the same frames: what one scores over the other, and how sure that is. Free of torch.

Shape letters: F frames, S scenes (drives).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from projects.depth_eval.pairing import Pair, frame_key
from projects.occ_eval.classes import FREE_CLASS, OCC3D_CLASSES
from projects.occ_eval.confusion import geometric_iou, iou_from_confusion, mean_iou
from projects.occ_eval.files import Frame
from projects.occ_eval.protocol import OccProtocol
from projects.occ_eval.rayiou import mean_rayiou
from projects.occ_eval.stream import Scores

from .statistics import scene_intervals

FEWEST_SCENES = 6
"""Two sets that are equal differ in the same direction in all of 6 scenes in 3 % of cases, in all of 5 in 6 %."""
_LARGER_IS_BETTER = ('d1', 'd2', 'd3')


@dataclass(frozen=True)
class PairedSums:
    """What frames add to the scores of two sets of predictions.

    Args:
        tokens (Sequence[str]): Name of each frame. Length F.
        scenes (Sequence[str]): Scene of each frame. Length F.
        first (Mapping[str, np.ndarray]): Of the first set, by name. Shape (F, ...).
        second (Mapping[str, np.ndarray]): Of the second set.
    """

    tokens: Sequence[str]
    scenes: Sequence[str]
    first: Mapping[str, np.ndarray]
    second: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Metrics:
    """Scores of sums over frames, all of the sums of one name.

    Args:
        names (Sequence[str]): As they are shown. Length K.
        sums (str): Which sums they are scores of.
        scores (Callable): Scores of a sum of shape (...), as an array (K,).
        smaller_is_better (Collection[str]): Those of ``names``. Defaults to none.
    """

    names: Sequence[str]
    sums: str
    scores: Callable[[np.ndarray], np.ndarray]
    smaller_is_better: Collection[str] = ()


@dataclass(frozen=True)
class Difference:
    """One metric of both sets.

    Args:
        metric (str): Its name.
        first (float): Score of the first set; NaN where nothing was counted.
        second (float): Score of the second set.
        difference (float): Second less first.
        low (float): Lower end of its 95 % interval when other scenes had been drawn; NaN for one scene.
        high (float): Upper end.
        verdict (str): 'better' or 'worse' of the second set where the interval is on one side of 0, else ''; also ''
            for fewer than ``FEWEST_SCENES`` scenes, of which no interval holds what it promises.
    """

    metric: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    verdict: str

    def as_json(self) -> dict[str, Any]:
        """Plain data; NaN becomes None."""
        return {key: None if value != value else value for key, value in asdict(self).items()}


def compare(sums: PairedSums, groups: Sequence[Metrics]) -> list[Difference]:
    """Score both sets, with a paired bootstrap over scenes: both see the same resampled scenes."""
    scenes = np.asarray(sums.scenes)
    places = [scenes == name for name in np.unique(scenes)]
    differences = []
    for group in groups:
        first, second = (
            np.stack([part[group.sums][place].sum(axis=0) for place in places]) for part in (sums.first, sums.second)
        )
        before, after = (group.scores(part.sum(axis=0)) for part in (first, second))
        lows, highs = scene_intervals(second[None], first[None], group.scores)
        for name, *values in zip(group.names, *(part.tolist() for part in (before, after, lows, highs))):
            a, b, low, high = values
            verdict = ''
            if len(places) >= FEWEST_SCENES and (low > 0 or high < 0):
                verdict = 'better' if (low > 0) != (name in group.smaller_is_better) else 'worse'
            differences.append(Difference(name, a, b, b - a, low, high, verdict))
    return differences


def frames_apart(sums: PairedSums, group: Metrics, count: int) -> list[dict[str, Any]]:
    """Frames whose own first score differs most, half of them where the second set loses, half where it gains.

    Returns:
        list[dict]: ``token``, ``scene``, ``first``, ``second``, from the largest loss to the largest gain.
    """
    first, second = (np.array([group.scores(f)[0] for f in part[group.sums]]) for part in (sums.first, sums.second))
    gain = (second - first) * (-1 if group.names[0] in group.smaller_is_better else 1)
    order = [int(index) for index in np.argsort(gain, kind='stable') if np.isfinite(gain[index])]
    half = count // 2
    chosen = order if len(order) <= count else [*order[:half], *order[len(order) - half :]]
    return [
        {'token': sums.tokens[i], 'scene': sums.scenes[i], 'first': float(first[i]), 'second': float(second[i])}
        for i in chosen
    ]


@dataclass(frozen=True)
class BothScores:
    """Scores of both predictions of an Occ3D frame, for ``score_frames``, which sums what has one name.

    Args:
        protocol (OccProtocol): Scores of one; those that are counts (mIoU, RayIoU).
        others (Mapping[str, str]): File of the second prediction by token.
    """

    protocol: OccProtocol
    others: Mapping[str, str]

    def __call__(self, frame: Frame) -> Scores:
        """Read and score both."""
        both = self.protocol(frame), self.protocol(frame._replace(pred=self.others[frame.token]))
        return {f'{i} {name} {frame.token}': value for i, scores in enumerate(both) for name, value in scores.items()}


def occ_sums(sums: Mapping[str, np.ndarray], frames: Sequence[Frame]) -> PairedSums:
    """Order the sums of :class:`BothScores` by frame; frames that were not scored are left out.

    Args:
        sums (Mapping[str, np.ndarray]): ``Totals.sums``.
        frames (Sequence[Frame]): The frames; the scene is that of the folder of the label.
    """
    names = {key.split(' ')[1] for key in sums}
    kept = [frame for frame in frames if all(f'0 {name} {frame.token}' in sums for name in names)]
    first, second = (
        {name: np.stack([sums[f'{i} {name} {frame.token}'] for frame in kept]) for name in names if kept}
        for i in (0, 1)
    )
    scenes = [frame.label.replace('\\', '/').split('/')[-3] for frame in kept]
    return PairedSums([frame.token for frame in kept], scenes, first, second)


def occ_metrics(names: Collection[str], nan_policy: str = 'both') -> list[Metrics]:
    """Metrics of 'miou' (mIoU, IoU, IoU of each class) and 'rayiou', in percent."""

    def ious(hist: np.ndarray) -> np.ndarray:
        means = mean_iou(hist, FREE_CLASS, nan_policy), geometric_iou(hist, FREE_CLASS)
        return 100 * np.array([*means, *iou_from_confusion(hist, nan_policy)[:FREE_CLASS]])

    groups = {
        'miou': Metrics(('mIoU', 'IoU (occupied)', *OCC3D_CLASSES[:FREE_CLASS]), 'hist', ious),
        'rayiou': Metrics(('RayIoU',), 'rays', lambda counts: 100 * np.array([mean_rayiou(counts)['mean']])),
    }
    return [group for name, group in groups.items() if name in names]


def depth_sums(
    pairs: Sequence[Pair], first: Sequence[dict[str, float] | None], second: Sequence[dict[str, float] | None]
) -> tuple[PairedSums, list[Metrics]]:
    """Sums and metrics of depth: every metric is a mean over frames. Frames without a score in one set are left out.

    Args:
        pairs (Sequence[Pair]): The frames.
        first (Sequence[dict[str, float] | None]): Metrics of each frame in the first set.
        second (Sequence[dict[str, float] | None]): The same frames in the second set.
    """
    rows = [(pair.name, a, b) for pair, a, b in zip(pairs, first, second) if a is not None and b is not None]
    keys = list(rows[0][1]) if rows else []
    sides = [a for _, a, _ in rows], [b for _, _, b in rows]
    both = [{'metrics': np.array([[1.0, *(row[key] for key in keys)] for row in side])} for side in sides]
    smaller = [key for key in keys if key not in _LARGER_IS_BETTER]
    tokens = [name for name, _, _ in rows]
    group = Metrics(keys, 'metrics', lambda total: total[1:] / total[0], smaller)
    return PairedSums(tokens, [_drive(token) for token in tokens], *both), [group]


def _drive(name: str) -> str:
    key = frame_key(name)
    return key[0] if len(key) == 3 else name.rpartition('/')[0]
