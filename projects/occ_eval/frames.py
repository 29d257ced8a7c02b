"""The frames of an evaluation from files: labels, predictions and, for RayIoU, origins."""

import os

from projects.fileio import restricted_load

from .files import Frame, find_occ_labels, pair_files
from .infos import read_info_items
from .layouts import find_occ_predictions, frames_of_scenes
from .origins import read_origins, scene_origins
from .report import extra_warnings


def collect_frames(
    gt_dir: str | os.PathLike,
    pred_dir: str | os.PathLike,
    infos: str | os.PathLike | None = None,
    origins: str | os.PathLike | None = None,
    with_origins: bool = False,
) -> tuple[list[Frame], list[dict[str, str]], list[str]]:
    """Find what is scored.

    Args:
        gt_dir (str or PathLike): Labels, ``<scene>/<token>/labels.npz``.
        pred_dir (str or PathLike): Predictions in any layout of ``layouts``.
        infos (str or PathLike | None): Info file with the tokens to score. Defaults to None (all labels).
        origins (str or PathLike | None): File with the origins of RayIoU. Defaults to None (those of ``infos``).
        with_origins (bool): Whether the frames carry their origins. Defaults to False.

    Returns:
        tuple: Frames, the errors that are known before scoring, and the warnings.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If a file is damaged or files do not fit together.
    """
    items = read_info_items(restricted_load(infos), str(infos)) if infos else None
    tokens = [item['token'] for item in items] if items else None
    labels = find_occ_labels(gt_dir)
    found = find_occ_predictions(pred_dir, labels if tokens is None else tokens, frames_of_scenes(items or []))
    pairing = pair_files(labels, found.paths, tokens)
    frames = pairing.frames
    if with_origins:
        known = read_origins(origins) if origins else scene_origins(items or [], str(infos))
        frames = [
            frame._replace(origins=known[frame.token].tolist()) if frame.token in known else frame for frame in frames
        ]
    return frames, found.problems + pairing.problems, extra_warnings(pairing.extra, infos or gt_dir)
