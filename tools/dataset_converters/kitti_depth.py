"""Info files of KITTI depth: Eigen split, official split, and MiniDrive in KITTI's layout."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

from projects.depth.datasets import (
    Frame,
    StereoCalibration,
    check_stereo_order,
    read_calibration,
    read_compact_list,
    read_eigen_list,
)
from projects.fileio import read_text
from projects.geometry import as_intrinsics
from projects.transforms import read_image

from .depth_infos import DepthConverter, find_image, list_images, make_item, read_image_shape, write_infos

SPLITS = ('auto', 'eigen', 'official', 'minidrive')
_MINIDRIVE_LISTS = {'train': 'minidrive_train', 'val': 'minidrive_val', 'calib': 'minidrive_calib'}
_OPTIONAL_LISTS = {'minidrive_calib'}


class KITTIDepthConverter(DepthConverter):
    """Checks a data root and writes its info files.

    The root has ``raw/<date>/<drive>/image_0{2,3}/data`` with ``raw/<date>/calib_cam_to_cam.txt``,
    ``depth/{train,val}/<drive>/proj_depth/groundtruth/image_0{2,3}`` (or ``depth/<drive>``) and, for the benchmark,
    ``depth_selection``. All paths of the info files are relative to the root. Each image is a PNG or a JPEG file, each
    depth map a PNG file. A frame whose right image (``image_03``) is missing is written with ``right_path=None``.

    Args:
        root (str): Data root.
        split (str): One of ``SPLITS``; 'auto' is 'minidrive' if the root has its lists, else 'eigen'.
        out_dir (str | None): Folder of the info files. Defaults to None (the root).
        allow_missing (bool): Leave frames with missing files out instead of stopping. Defaults to False.
        check_pairs (bool): Look for swapped or equal cameras in one pair of each drive. Defaults to True.
        pairs_only (bool): Leave frames without a right image out. Defaults to False.
    """

    hint = (
        'see docs/kitti.md for the downloads and the folders (an image may be .jpg as well); --allow-missing leaves '
        'these frames out'
    )

    def __init__(
        self,
        root: str,
        split: str = 'auto',
        out_dir: str | None = None,
        allow_missing: bool = False,
        check_pairs: bool = True,
        pairs_only: bool = False,
    ) -> None:
        super().__init__(root, out_dir, allow_missing, pairs_only)
        has_lists = (self.root / 'splits' / 'minidrive_train.txt').is_file()
        self.split = split if split != 'auto' else 'minidrive' if has_lists else 'eigen'
        self.check_pairs = check_pairs
        self._calibration = cache(self._read_calibration)
        self._checked: set[tuple[str, bool]] = set()

    def run(self) -> None:
        """Convert.

        Raises:
            FileNotFoundError: If files are missing; the message lists them all at once.
            ValueError: If calibration, images and lists disagree.
        """
        parts = {'eigen': self._eigen, 'official': self._official, 'minidrive': self._minidrive}[self.split]()
        tag = 'kitti-depth' + ('' if self.split == 'minidrive' else f'-{self.split}')
        found = {name: [item for item in items if item is not None] for name, items in parts.items()}
        self._report(found, f'the {self.split} split')
        for name, items in found.items():
            write_infos(self.out / f'{tag}_infos_{name}.pkl', items, f'{self.split}-{name}')

    def _eigen(self) -> dict[str, list]:
        lists = {'train': read_compact_list('eigen_train'), 'val': read_compact_list('eigen_test')}
        return {name: self._frames_of(name, frames) for name, frames in lists.items()}

    def _minidrive(self) -> dict[str, list]:
        paths = {name: self.root / 'splits' / f'{tag}.txt' for name, tag in _MINIDRIVE_LISTS.items()}
        lists = {n: read_eigen_list(p) for n, p in paths.items() if p.is_file() or p.stem not in _OPTIONAL_LISTS}
        return {name: self._frames_of(name, frames) for name, frames in lists.items()}

    def _official(self) -> dict[str, list]:
        parts: dict[str, list] = {}
        for name in ('train', 'val'):
            paths = sorted((self.root / 'depth' / name).glob('*/proj_depth/groundtruth/image_02/*.png'))
            if not paths:
                self._missing.append(f'depth/{name}/*/proj_depth/groundtruth/image_02/*.png')
            parts[name] = self._frames_of(name, [Frame(path.parts[-5], int(path.stem)) for path in paths])
        for folder, name in (('val_selection_cropped', 'val_selection'), ('test_depth_prediction_anonymous', 'test')):
            images = list_images(self.root / 'depth_selection' / folder / 'image')
            if images:
                parts[name] = [self._selected(path) for path in images]
            else:
                print(
                    f'depth_selection/{folder}/image is not there; {name} is left out (needed for the benchmark only)'
                )
        return parts

    def _frames_of(self, name: str, frames: Sequence[Frame]) -> list[dict | None]:
        return [self._frame(frame) for frame in tqdm(frames, f'{name} frames', unit=' frames')]

    def _exists(self, relative: str) -> bool:
        if self.index.has(relative):
            return True
        self._missing.append(relative)
        return False

    def _depth_file(self, drive: str, camera: int, number: int, kind: str = 'groundtruth') -> str | None:
        """Map of a frame; the Eigen split mixes the drives of both folders of the annotated maps."""
        tail = f'{drive}/proj_depth/{kind}/image_0{camera}/{number:010d}.png'
        for folder in ('depth/train', 'depth/val', 'depth'):
            if self.index.has(f'{folder}/{tail}'):
                return f'{folder}/{tail}'
        return None

    def _read_calibration(self, date: str) -> StereoCalibration | None:
        path = self.root / 'raw' / date / 'calib_cam_to_cam.txt'
        if not self._exists(f'raw/{date}/calib_cam_to_cam.txt'):
            return None
        return read_calibration(path)

    def _image(self, folder: str, camera: int, number: int) -> str | None:
        return find_image(self.index, f'{folder}/image_0{camera}/data/{number:010d}')

    def _frame(self, frame: Frame) -> dict | None:
        """Info of a frame of KITTI raw, or None if a file is missing."""
        calibration = self._calibration(frame.date)
        folder = f'raw/{frame.date}/{frame.drive}'
        left, right = (self._image(folder, camera, frame.number) for camera in (2, 3))
        depth = {camera: self._depth_file(frame.drive, camera, frame.number) for camera in (2, 3)}
        missing = [] if left else [f'{folder}/image_02/data/{frame.number:010d}.png']
        if frame.has_depth and depth[2] is None:
            missing.append(f'depth/*/{frame.drive}/proj_depth/groundtruth/image_02/{frame.number:010d}.png')
        self._missing += missing
        if calibration is None or left is None or missing:
            return None
        if not self._keeps(right, f'{folder}/image_03/data/{frame.number:010d}.png'):
            return None
        self._check_drive(frame, calibration, [path for path in (left, right) if path])
        dense = {camera: self._depth_file(frame.drive, camera, frame.number, 'dense') for camera in (2, 3)}
        return make_item(
            frame_id=f'{frame.drive}/{frame.number:010d}',
            img_path=left,
            right_path=right,
            depth_path=depth[2] if frame.has_depth else None,
            right_depth_path=depth[3] if frame.has_depth and right else None,
            dense_path=dense[2],
            right_dense_path=dense[3] if right else None,
            calibration=calibration,
            shape=read_image_shape(self.root / left),
        )

    def _check_drive(self, frame: Frame, calibration: StereoCalibration, paths: list[str]) -> None:
        """Compare list, calibration and images once for each drive, and once more when its first pair comes later."""
        kind = (frame.drive, len(paths) == 2)
        if kind in self._checked:
            return
        self._checked |= {kind, (frame.drive, False)}
        focal = calibration.left[0, 0]
        if frame.focal is not None and abs(frame.focal - focal) > 0.5:
            raise ValueError(
                f'drive {frame.drive}: the list states the focal length {frame.focal} px, but '
                f'raw/{frame.date}/calib_cam_to_cam.txt has {focal:.4f}; is it the calibration of another date?'
            )
        for path in paths:
            shape = read_image_shape(self.root / path)
            if calibration.image_shape is not None and shape != calibration.image_shape:
                raise ValueError(
                    f'{path} has the size {shape}, but raw/{frame.date}/calib_cam_to_cam.txt is for '
                    f'{calibration.image_shape} (S_rect_02); is it the calibration of another date?'
                )
        if self.check_pairs and len(paths) == 2:
            left, right = (read_image(str(self.root / path)) for path in paths)
            check_stereo_order(left, right, f'drive {frame.drive}, frame {frame.number}')

    def _selected(self, image: Path) -> dict | None:
        """Info of a cropped single image of the benchmark's selection."""
        folder = image.parent.parent
        matrix = folder / 'intrinsics' / f'{image.stem}.txt'
        if not self._exists(matrix.relative_to(self.root).as_posix()):
            return None
        cam2img = _read_intrinsics(matrix)
        truth = f'{image.stem.replace("_sync_image_", "_sync_groundtruth_depth_")}.png'
        depth = folder / 'groundtruth_depth' / truth
        relative = depth.relative_to(self.root).as_posix()
        is_test = folder.name.startswith('test')
        if not is_test and not self._exists(relative):
            return None
        return make_item(
            frame_id=image.stem,
            img_path=image.relative_to(self.root).as_posix(),
            depth_path=None if is_test else relative,
            calibration=StereoCalibration(cam2img, cam2img, 0.0),
            shape=read_image_shape(image),
        )


def _read_intrinsics(path: Path) -> np.ndarray:
    """Intrinsics of an image of the selection. Shape (3, 3)."""
    words = read_text(path).split()
    if len(words) != 9:
        raise ValueError(f'{path} must hold the 9 numbers of the intrinsics, got {" ".join(words)[:80]!r}')
    return as_intrinsics([words[0:3], words[3:6], words[6:9]], str(path))
