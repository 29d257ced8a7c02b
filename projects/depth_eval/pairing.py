"""Which prediction belongs to which ground truth. File names only."""

import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from projects.fileio import list_names

from .infos import read_depth_infos
from .maps import ARRAY_SUFFIXES, DEPTH_SCALE

_SHOWN = 10
_DRIVE = r'(?P<drive>\d{4}_\d\d_\d\d_drive_\d{4}_(?:sync|extract))'
_LAYOUTS = tuple(
    re.compile(pattern)
    for pattern in (
        # KITTI's selection: image and map of a frame
        rf'(?:.*/)?{_DRIVE}_(?:image|groundtruth_depth)_(?P<number>\d{{10}})_image_0(?P<camera>\d)\.png',
        # BTS, NeWCRFs, PixelFormer, AdaBins: the left camera
        rf'(?:.*/)?{_DRIVE}_(?P<number>\d{{10}})\.png',
        # KITTI's folders; without a folder of a camera it is the left one
        rf'(?:.*/)?{_DRIVE}/(?:.*/)?image_0(?P<camera>\d)/(?:data/)?(?P<number>\d{{10}})\.png',
        rf'(?:.*/)?{_DRIVE}/(?P<number>\d{{10}})\.png',
    )
)


@dataclass(frozen=True)
class Pair:
    """Files of one frame.

    Args:
        name (str): Its name.
        gt (str | None): Ground truth, None for a frame that has none.
        pred (str): Prediction, a file of :func:`read_prediction`.
        gt_scale (float): Values per metre of the ground truth. Defaults to 256.
    """

    name: str
    gt: str | None
    pred: str
    gt_scale: float = DEPTH_SCALE


def frame_key(name: str) -> tuple[str, ...]:
    """What a file name says about its frame: drive, number and camera in any layout of KITTI, else the name itself.

    Args:
        name (str): Path relative to the folder of the files, with slashes.

    Returns:
        tuple[str, ...]: ``(drive, number, camera)``, or the path with ``_`` for the slashes, as flat folders have it.
    """
    for layout in _LAYOUTS:
        match = layout.fullmatch(name)
        if match:
            return match['drive'], match['number'], match.groupdict().get('camera') or '2'
    return (name.replace('/', '_'),)


def _files(folder: str | os.PathLike, arrays: bool = False) -> dict[str, str]:
    """PNG files below a folder by their path relative to it.

    Args:
        folder (str or PathLike): The folder.
        arrays (bool): Whether ``.npy`` and ``.npz`` files, under the names that PNG files would have, stand in for PNG
            files where there is none. Defaults to False.

    Raises:
        FileNotFoundError: If the folder is missing or has no such file.
        ValueError: If two files have one name.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f'folder not found: {folder}')
    files = {path.relative_to(root).as_posix(): str(path) for path in sorted(root.rglob('*.png'))}
    if not files and arrays:
        for path in sorted(path for path in root.rglob('*') if path.suffix in ARRAY_SUFFIXES):
            first = files.setdefault(path.relative_to(root).with_suffix('.png').as_posix(), str(path))
            if first != str(path):
                raise ValueError(f'{first} and {path} are both predictions of one frame; remove one')
    if not files:
        others = sorted({path.suffix for path in root.rglob('*') if path.is_file()})
        known = '16-bit PNG, or .npy and .npz of metres,' if arrays else '16-bit PNG,'
        hint = f'; it has {", ".join(others)} files, and depth maps are {known} one a frame' if others else ''
        raise FileNotFoundError(f'{folder} holds no PNG files{hint}')
    return files


def _match(truths: dict[str, str | None], predictions: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Match names, equal names first.

    Returns:
        tuple: Name of the prediction of each truth that has one, and what stands against a match: frames with more than
        one candidate.
    """
    by_frame: dict[tuple, list[str]] = defaultdict(list)
    for name in predictions:
        by_frame[frame_key(name)].append(name)
    matched = {name: name for name in truths if name in predictions}
    equal = set(matched)
    claimed: dict[tuple, str] = {}
    problems = []
    for name in truths:
        key = frame_key(name)
        candidates = [other for other in by_frame[key] if other not in equal or other == name]
        if len(candidates) > 1:
            problems.append(f'frame {name} has {len(candidates)} predictions: {list_names(candidates, _SHOWN)}')
        elif name not in equal and candidates:
            if key in claimed:
                problems.append(f'{candidates[0]} is the prediction of both {claimed[key]} and {name}')
            claimed[key] = name
            matched[name] = candidates[0]
    return matched, problems


def pair_files(
    gt_dir: str | os.PathLike, pred_dir: str | os.PathLike, infos: str | os.PathLike | None = None
) -> tuple[list[Pair], list[str]]:
    """Pair ground truth and predictions by name.

    Equal relative paths are a pair. What is left is paired by frame (:func:`frame_key`), if each frame has one
    candidate: ``<drive>_<number>.png`` belongs to ``<drive>/<number>`` of an info file.

    Args:
        gt_dir (str or PathLike): Folder with depth maps, or the data root with ``infos``.
        pred_dir (str or PathLike): Folder with predictions.
        infos (str or PathLike | None): Info file that says which frames are scored. Defaults to None (all files).

    Returns:
        tuple[list[Pair], list[str]]: Pairs sorted by name, and the predictions of other frames than those of ``infos``,
        which are not scored.

    Raises:
        FileNotFoundError: If a folder is missing or empty.
        ValueError: If a frame has no prediction or several, or is twice in ``infos``; or, without ``infos``, a
            prediction has no ground truth.
    """
    predictions = _files(pred_dir, arrays=True)
    items = [] if infos is None else read_depth_infos(infos)
    truths: dict[str, str | None] = {
        f'{item["frame_id"]}.png': str(Path(gt_dir) / item['depth_path']) if item['depth_path'] else None
        for item in items
    }
    scales = {f'{item["frame_id"]}.png': float(item.get('depth_scale', DEPTH_SCALE)) for item in items}
    if infos is None:
        truths = dict(_files(gt_dir))
    matched, problems = _match(truths, predictions)
    used = set(matched.values())
    extra = sorted(
        Path(path).relative_to(pred_dir).as_posix() for name, path in predictions.items() if name not in used
    )
    alone = sorted(set(truths) - set(matched))
    if problems:
        raise ValueError(
            f'{pred_dir} names frames twice; give a folder with one file a frame: ' + '; '.join(problems[:_SHOWN])
        )
    parts = [f'{len(alone)} frames have no prediction: {list_names(alone, _SHOWN)}'] if alone else []
    if extra and (alone or infos is None):
        parts.append(f'{len(extra)} predictions have no ground truth: {list_names(extra, _SHOWN)}')
    if parts:
        raise ValueError(f'{gt_dir} and {pred_dir} do not match; ' + '; '.join(parts))
    pairs = [
        Pair(name, truths[name], predictions[matched[name]], scales.get(name, DEPTH_SCALE)) for name in sorted(truths)
    ]
    return pairs, extra
