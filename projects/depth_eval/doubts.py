"""Signs that predicted depth means something else than the truth: another unit or scale, or holes that count.

Such files are scored, badly. A look at a few frames before all are scored says so at once.
"""

from collections.abc import Sequence

import numpy as np

from .maps import DEPTH_SCALE, read_depth, read_prediction
from .metrics import match_kb_crop
from .pairing import Pair
from .protocol import EigenProtocol, Protocol

LOOKED_AT = 8
"""Frames, evenly over all."""
_RATIO = 2.0


def depth_doubts(pairs: Sequence[Pair], protocol: Protocol) -> list[str]:
    """Warnings about predictions, from a few frames; none for frames that cannot be read, which scoring names.

    Args:
        pairs (Sequence[Pair]): All frames that are scored.
        protocol (Protocol): How they are scored.
    """
    known = [pair for pair in pairs if pair.gt is not None]
    places = np.unique(np.linspace(0, len(known) - 1, LOOKED_AT).round().astype(int)) if known else ()
    ratios, holes, pixels = [], 0, 0
    for pair in (known[index] for index in places):
        try:
            ratio, empty, counted = _look_at(pair, protocol)
        except (OSError, ValueError):
            continue
        ratios.append(ratio)
        holes, pixels = holes + empty, pixels + counted
    warnings = []
    middle = float(np.nanmedian(ratios)) if not np.isnan(ratios).all() else 1.0
    if not 1 / _RATIO < middle < _RATIO:
        as_png = f' (these: about metres * {DEPTH_SCALE * middle:.0f})' if known[0].pred.endswith('.png') else ''
        warnings.append(
            f'predictions are {middle:.3g} times as deep as the truth (median of {len(ratios)} frames): have they '
            f'another unit, no scale, or are they disparities? PNG files hold metres * {DEPTH_SCALE:.0f}{as_png}, .npy '
            'and .npz files metres'
        )
    if holes and isinstance(protocol, EigenProtocol):
        warnings.append(
            f'predictions of {len(ratios)} frames are 0 at {100 * holes / pixels:.2g} % of the pixels that have truth; '
            f'the Eigen protocol counts them as {protocol.min_depth:g} m: fill holes before you write the files'
        )
    return warnings


def outside_doubts(outside: Sequence[str], infos: str) -> list[str]:
    """The warning about predictions of frames that an info file lacks, if there are any.

    Args:
        outside (Sequence[str]): Their names, as ``pair_files`` gives them.
        infos (str): The info file.
    """
    if not outside:
        return []
    return [
        f'{len(outside)} predictions are of frames that {infos} does not hold and are not scored, {outside[0]} first'
    ]


def _look_at(pair: Pair, protocol: Protocol) -> tuple[float, int, int]:
    """Median of prediction / truth, pixels with truth and no prediction, and pixels with truth.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If one is damaged, or the sizes differ.
    """
    gt, pred = read_depth(pair.gt or '', pair.gt_scale), read_prediction(pair.pred)
    if isinstance(protocol, EigenProtocol) and protocol.use_kb_crop:
        gt, pred = match_kb_crop(gt, pred)
    if gt.shape != pred.shape:
        raise ValueError('the sizes differ')
    pred, gt = pred[gt > 0], gt[gt > 0]
    filled = pred > 0
    ratio = float(np.median(pred[filled] / gt[filled])) if filled.any() else float('nan')
    return ratio, int(np.count_nonzero(pred == 0)), gt.size
