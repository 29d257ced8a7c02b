"""What the depth converters share: reports of what is missing, and the info files."""

import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from projects.depth.datasets import StereoCalibration
from projects.depth_eval.infos import check_calibration, read_depth_items
from projects.fileio import atomic_write, check_pixels, image_shape_of_file

from .folder_index import FolderIndex

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg')
"""Of images, in the order in which they are looked for; depth maps are PNG only."""
_SHOWN = 10


def find_image(index: FolderIndex, stem: str) -> str | None:
    """Image ``<stem>`` with one of :data:`IMAGE_SUFFIXES`, relative to the root; None if none is there."""
    return next((stem + suffix for suffix in IMAGE_SUFFIXES if index.has(stem + suffix)), None)


def list_images(folder: Path) -> list[Path]:
    """Images below a folder, sorted, one for each stem: a PNG file goes before a JPEG file of its name."""
    found: dict[Path, Path] = {}
    for place, _, names in os.walk(folder):
        for suffix in IMAGE_SUFFIXES:
            for path in (Path(place, name) for name in names if name.endswith(suffix)):
                found.setdefault(path.with_suffix(''), path)
    return [found[stem] for stem in sorted(found)]


def read_image_shape(path: str | os.PathLike) -> tuple[int, int]:
    """Height and width from the header of an image, without decoding it.

    Raises:
        ValueError: If the file is no PNG or JPEG image, or has too many pixels.
    """
    shape = image_shape_of_file(path)
    if shape is None or 0 in shape:
        raise ValueError(f'{path} is no PNG or JPEG image; copy or download it again')
    check_pixels(shape, os.fspath(path))
    return shape


def _shown(names: Sequence[str]) -> str:
    more = [f'and {len(names) - _SHOWN} more'] if len(names) > _SHOWN else []
    return '\n'.join(f'  {name}' for name in [*names[:_SHOWN], *more])


def _missing_report(names: Sequence[str], hint: str) -> str:
    """Message about missing files: how many there are, the first ten, and what to do."""
    return f'{len(names)} files are missing:\n{_shown(names)}\n{hint}'


def _no_pair_report(single: Sequence[str], frames: int, left_out: bool) -> str:
    """Message about frames whose right image is missing, while all else is there.

    Args:
        single (Sequence[str]): The missing right images.
        frames (int): Frames with and without a right image.
        left_out (bool): Whether the frames without are left out.
    """
    use = 'they are written with right_path=None, for models of one image; a data set with stereo=True refuses them'
    use = 'they are left out' if left_out else use
    if len(single) == frames:
        return f'none of the {frames} frames has a right image (as {single[0]}); {use}'
    advice = '' if left_out else '. Unpack the right camera completely, or leave these frames out with --pairs-only'
    return f'{len(single)} of {frames} frames have no right image:\n{_shown(single)}\n{use}{advice}'


class DepthConverter:
    """A data root, and what is missing in it.

    Args:
        root (str): Data root.
        out_dir (str | None): Folder of the info files; None for the root.
        allow_missing (bool): Leave frames with missing files out instead of stopping.
        pairs_only (bool): Leave frames without a right image out; else they are written with ``right_path=None``.

    Raises:
        FileNotFoundError: If there is no such root.
    """

    hint: ClassVar[str]  # what to do about missing files

    def __init__(self, root: str, out_dir: str | None, allow_missing: bool, pairs_only: bool) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise FileNotFoundError(f'data root not found: {root}; see docs/kitti.md')
        self.out = Path(out_dir or root)
        self.allow_missing = allow_missing
        self.pairs_only = pairs_only
        self.index = FolderIndex(root)
        self._missing: list[str] = []
        self._single: list[str] = []
        self._frames = 0

    def _keeps(self, right: str | None, expected: str) -> bool:
        """Count a frame that has all else; whether it is written, with its right image or without."""
        self._frames += 1
        if right is None:
            self._single.append(expected)
        return right is not None or not self.pairs_only

    def _report(self, found: dict[str, list], what: str) -> None:
        """Say what is missing.

        Raises:
            FileNotFoundError: If files are missing that must be there, or nothing was found of ``what``.
        """
        if self._missing and not self.allow_missing:
            raise FileNotFoundError(_missing_report(self._missing, self.hint))
        if self._missing:
            print(_missing_report(self._missing, 'their frames are left out'))
        if self._single:
            print(_no_pair_report(self._single, self._frames, self.pairs_only))
        if not any(found.values()):
            raise FileNotFoundError(f'{self.root} holds no frame of {what}; {self.hint}')


def write_infos(path: Path, items: list[dict], split: str) -> None:
    """Write an info file that appears only when it is complete; what the data set would refuse is not written."""
    content = {'metainfo': {'split': split, 'version': 1}, 'data_list': items}
    check_calibration(read_depth_items(content, str(path)), str(path))
    with atomic_write(path) as file:
        pickle.dump(content, file, protocol=4)
    with_depth = sum(item['depth_path'] is not None for item in items)
    with_pair = sum(item['right_path'] is not None for item in items)
    right_depth = sum(item['right_depth_path'] is not None for item in items)
    print(
        f'{path}: {len(items)} frames, {with_pair} with a right image, {with_depth} with a depth map, '
        f'{right_depth} with one of the right camera too'
    )


def make_item(
    frame_id: str,
    img_path: str,
    calibration: StereoCalibration,
    shape: tuple[int, int],
    right_path: str | None = None,
    depth_path: str | None = None,
    right_depth_path: str | None = None,
    dense_path: str | None = None,
    right_dense_path: str | None = None,
    depth_scale: float = 256.0,
) -> dict:
    """Info of a frame as ``StereoDepthDataset`` reads it."""
    return {
        'frame_id': frame_id,
        'img_path': img_path,
        'right_path': right_path,
        'depth_path': depth_path,
        'right_depth_path': right_depth_path,
        'dense_path': dense_path,
        'right_dense_path': right_dense_path,
        'cam2img': np.asarray(calibration.left, np.float64),
        'right_cam2img': np.asarray(calibration.right, np.float64),
        'focal': float(calibration.left[0, 0]),
        'baseline': calibration.baseline,
        'depth_scale': depth_scale,
        'ori_shape': tuple(shape),
    }
