"""Which prediction belongs to which ground truth. File names only."""

import os
from dataclasses import dataclass
from pathlib import Path

from projects.fileio import restricted_load

_SHOWN = 10


@dataclass(frozen=True)
class Pair:
    """Files of one frame; ``gt`` is None for a frame that has no ground truth."""

    name: str
    gt: str | None
    pred: str


def _list_names(names: list[str]) -> str:
    more = f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''
    return ', '.join(names[:_SHOWN]) + more


def _files(folder: str | os.PathLike) -> dict[str, str]:
    """PNG files below a folder by name: relative path, with the names of KITTI's selection made equal.

    KITTI calls an image ``<drive>_sync_image_<frame>_image_02.png`` and its map
    ``<drive>_sync_groundtruth_depth_<frame>_image_02.png``.

    Raises:
        FileNotFoundError: If the folder is missing or has no PNG file.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f'folder not found: {folder}')
    files = {
        path.relative_to(root).as_posix().replace('_sync_groundtruth_depth_', '_sync_image_'): str(path)
        for path in sorted(root.rglob('*.png'))
    }
    if not files:
        raise FileNotFoundError(f'{folder} holds no PNG files')
    return files


def _gt_of_infos(gt_dir: str | os.PathLike, infos: str | os.PathLike) -> dict[str, str | None]:
    content = restricted_load(infos)
    if not isinstance(content, dict) or not isinstance(content.get('data_list'), list):
        raise ValueError(f'{infos} holds no depth infos; write it with tools/create_data.py')
    return {
        f'{item["frame_id"]}.png': str(Path(gt_dir) / item['depth_path']) if item['depth_path'] else None
        for item in content['data_list']
    }


def pair_files(
    gt_dir: str | os.PathLike, pred_dir: str | os.PathLike, infos: str | os.PathLike | None = None
) -> list[Pair]:
    """Pair ground truth and predictions by name.

    Args:
        gt_dir (str or PathLike): Folder with depth maps, or the data root with ``infos``.
        pred_dir (str or PathLike): Folder with predictions of the same names, or ``<frame_id>.png`` with ``infos``.
        infos (str or PathLike | None): Info file that says which frames are scored. Defaults to None (all files).

    Returns:
        list[Pair]: Sorted by name.

    Raises:
        FileNotFoundError: If a folder is missing or empty.
        ValueError: If a name is in one of the two folders only.
    """
    predictions = _files(pred_dir)
    truths: dict[str, str | None] = dict(_files(gt_dir)) if infos is None else _gt_of_infos(gt_dir, infos)
    alone = sorted(set(truths) - set(predictions))
    extra = sorted(set(predictions) - set(truths))
    if alone or extra:
        parts = [f'{len(alone)} frames have no prediction: {_list_names(alone)}'] if alone else []
        parts += [f'{len(extra)} predictions have no ground truth: {_list_names(extra)}'] if extra else []
        raise ValueError(f'{gt_dir} and {pred_dir} do not match; ' + '; '.join(parts))
    return [Pair(name, truths[name], predictions[name]) for name in sorted(truths)]
