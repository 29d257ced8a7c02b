"""The protocols of the tool: what a frame contributes, and the report of all frames."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from .maps import read_depth, read_prediction
from .metrics import eigen_image, kitti_image, macro_average
from .pairing import Pair


@dataclass(frozen=True)
class EigenProtocol:
    """Scores of one frame by the protocol of Eigen.

    Args:
        crop (str): 'garg', 'eigen' or 'none'. Defaults to 'garg'.
        cap (float): Largest depth that counts, in metres. Defaults to 80.
        use_kb_crop (bool): Whether to score the frame of 352x1216. Defaults to False.
        min_depth (float): Smallest depth that counts, in metres. Defaults to 1e-3.
    """

    crop: str = 'garg'
    cap: float = 80.0
    use_kb_crop: bool = False
    min_depth: float = 1e-3
    #: Whether a frame without ground truth is as usual, so that its number is always reported.
    expects_empty_truth = True

    def __call__(self, gt: np.ndarray, pred: np.ndarray) -> dict[str, float] | None:
        """Score maps of metres (H, W); None without ground truth."""
        return eigen_image(gt, pred, self.crop, self.cap, self.min_depth, self.use_kb_crop)

    def __str__(self) -> str:
        frame = '352x1216' if self.use_kb_crop else 'full frame'
        return f'Eigen protocol: {frame}, crop {self.crop}, cap {self.cap:g} m, mean over images'


@dataclass(frozen=True)
class KittiProtocol:
    """Scores of one frame as the devkit of the KITTI benchmark has them."""

    expects_empty_truth = False

    def __call__(self, gt: np.ndarray, pred: np.ndarray) -> dict[str, float] | None:
        """Score maps of metres (H, W); None without ground truth."""
        return kitti_image(gt, pred)

    def __str__(self) -> str:
        return 'KITTI benchmark: hole filling, mean over images'


Protocol = EigenProtocol | KittiProtocol


def score_pair(pair: Pair, protocol: Protocol) -> tuple[dict[str, float] | None, str | None]:
    """Metrics of a frame or None without truth; an error message if it cannot be scored."""
    try:
        pred = read_prediction(pair.pred)
        if pair.gt is None:
            return None, None
        return protocol(read_depth(pair.gt, pair.gt_scale), pred), None
    except (OSError, ValueError) as error:
        return None, f'{pair.name}: {error}'


def score_rows(
    pairs: Sequence[Pair], protocol: Protocol, workers: int
) -> list[tuple[dict[str, float] | None, str | None]]:
    """Outcome of :func:`score_pair` for all frames, in threads, with a progress bar."""
    with ThreadPoolExecutor(workers) as pool:
        try:
            return list(tqdm(pool.map(lambda pair: score_pair(pair, protocol), pairs), total=len(pairs), unit='frame'))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def score_pairs(pairs: Sequence[Pair], protocol: Protocol, workers: int) -> dict[str, Any]:
    """Score all frames by :func:`score_rows`.

    Returns:
        dict: Means of the metrics, ``frames`` (scored), ``skipped`` (without ground truth) where that is usual or
        happened, and ``errors``, one line for each frame that could not be scored, if there are any.
    """
    outcomes = score_rows(pairs, protocol, workers)
    errors = [error for _, error in outcomes if error]
    rows = [row for row, error in outcomes if not error]
    scored = sum(row is not None for row in rows)
    report: dict[str, Any] = {**(macro_average(rows) if scored else {}), 'frames': scored}
    if protocol.expects_empty_truth or scored < len(rows):
        report['skipped'] = len(rows) - scored
    if errors:
        report['errors'] = errors
    return report
