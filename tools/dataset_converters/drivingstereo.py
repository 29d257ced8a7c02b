"""Info files of DrivingStereo: official split and weather sets, half and full resolution."""

from functools import cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

from projects.depth.datasets import StereoCalibration, check_stereo_order, parse_calibration
from projects.depth_eval.infos import MAX_BASELINE
from projects.fileio import read_text
from projects.geometry import as_intrinsics
from projects.transforms import read_image

from .depth_infos import DepthConverter, find_image, list_images, make_item, read_image_shape, write_infos

WEATHERS = ('sunny', 'cloudy', 'foggy', 'rainy')
_PARTS = {'left': 'left-image', 'right': 'right-image', 'depth': 'depth-map'}


def read_drivingstereo_calibration(path: Path, shape: tuple[int, int]) -> StereoCalibration:
    """Read the calibration of a date for images of H x W pixels.

    Intrinsics are scaled from the size that the file states (``S_rect_101``, if it is there). The baseline is the norm
    of ``T_103``: readers report that ``P_rect_103`` of the half-size files gives twice the distance.

    Raises:
        ValueError: If a key is missing, or intrinsics, size or baseline are none.
    """
    values = parse_calibration(read_text(path))
    for key, count in (('P_rect_101', 12), ('P_rect_103', 12), ('T_103', 3)):
        if values.get(key) is None or values[key].size != count:
            raise ValueError(f'{path} must hold {key} with {count} numbers')
    left, right = (
        as_intrinsics(
            values[f'P_rect_{camera}'].reshape(3, 4)[:, :3], f'P_rect_{camera} of {path} (left 3x3 block)'
        ).copy()
        for camera in (101, 103)
    )
    size = values.get('S_rect_101')
    if size is not None:
        if not (size.size == 2 and np.isfinite(size).all() and (size >= 1).all()):
            raise ValueError(f'S_rect_101 of {path} must be the width and height of the images, got {size.tolist()}')
        scale_x, scale_y = shape[1] / size[0], shape[0] / size[1]
        if abs(scale_x / scale_y - 1) > 0.02:
            raise ValueError(
                f'{path} is for images of {size[1]:g}x{size[0]:g} pixels, but they are {shape[0]}x{shape[1]}'
            )
        for matrix in (left, right):
            matrix[0] *= scale_x
            matrix[1] *= scale_y
    baseline = float(np.linalg.norm(values['T_103']))
    if not 0 < baseline <= MAX_BASELINE:
        raise ValueError(
            f'{path}: T_103 has the length {baseline} m; a baseline is above 0 and at most {MAX_BASELINE:g} m'
        )
    return StereoCalibration(left, right, baseline, shape)


class DrivingStereoConverter(DepthConverter):
    """Checks a data root and writes its info files.

    Official split: ``{train,test}-{left-image,right-image,depth-map}/<sequence>/<time>.{jpg,png}`` and
    ``calib_{train,test}``; weather sets: ``<weather>/{left-image,right-image,depth-map}-{half,full}-size`` with the
    calibration of ``<weather>/calib`` or ``calib_test``. The calibration file of a sequence is ``<date>.txt`` or
    ``<sequence>.txt``, anywhere below its folder.

    Args:
        root (str): Data root.
        resolution (str): 'half' or 'full'; decides the folders of the weather sets, and the names of the info files.
            Defaults to 'half'.
        weathers (tuple[str, ...]): Weather sets to convert. Defaults to () (official split only).
        out_dir (str | None): Folder of the info files. Defaults to None (the root).
        allow_missing (bool): Leave frames with missing files out instead of stopping. Defaults to False.
        pairs_only (bool): Leave frames without a right image out; else they are written with ``right_path=None``.
            Defaults to False.
    """

    hint = 'see docs/kitti.md for the folders; --allow-missing leaves these frames out'

    def __init__(
        self,
        root: str,
        resolution: str = 'half',
        weathers: tuple[str, ...] = (),
        out_dir: str | None = None,
        allow_missing: bool = False,
        pairs_only: bool = False,
    ) -> None:
        super().__init__(root, out_dir, allow_missing, pairs_only)
        self.resolution = resolution
        self.weathers = weathers
        self._calibration = cache(read_drivingstereo_calibration)  # one of a sequence serves hundreds of frames

    def run(self) -> None:
        """Convert.

        Raises:
            FileNotFoundError: If files are missing; the message lists them all at once.
            ValueError: If calibration and images disagree.
        """
        found = {}
        for part in ('train', 'test'):
            folders = {key: f'{part}-{name}' for key, name in _PARTS.items()}
            if part == 'train' and self.weathers and not (self.root / folders['left']).is_dir():
                continue  # the weather sets come without the training set
            found[part] = self._part(folders, [f'calib_{part}'])
        for weather in self.weathers:
            folders = {key: f'{weather}/{name}-{self.resolution}-size' for key, name in _PARTS.items()}
            found[weather] = self._part(folders, [f'{weather}/calib', f'calib_{weather}', 'calib_test'])
        self._report(found, 'DrivingStereo')
        tag = 'drivingstereo' + ('-full' if self.resolution == 'full' else '')
        for name, items in found.items():
            if items:
                write_infos(self.out / f'{tag}_infos_{name}.pkl', items, name)

    def _part(self, folders: dict[str, str], calibration_folders: list[str]) -> list[dict]:
        images = list_images(self.root / folders['left'])
        if not images:
            self._missing.append(f'{folders["left"]}/<sequence>/<time>.jpg')
            return []
        calibrations = {
            path.stem: path for folder in calibration_folders[::-1] for path in (self.root / folder).rglob('*.txt')
        }
        bar = tqdm(images, folders['left'], unit=' frames')
        items = [self._frame(image, folders, calibrations) for image in bar]
        found = [item for item in items if item is not None]
        pair = next((item for item in found if item['right_path']), None)
        if pair is not None:
            left, right = (read_image(str(self.root / pair[key])) for key in ('img_path', 'right_path'))
            check_stereo_order(left, right, f'frame {pair["frame_id"]}')
        return found

    def _frame(self, image: Path, folders: dict[str, str], calibrations: dict[str, Path]) -> dict | None:
        """Info of a frame, or None if a file is missing."""
        relative = image.relative_to(self.root / folders['left'])
        stem = relative.with_suffix('').as_posix()
        right = find_image(self.index, f'{folders["right"]}/{stem}')
        depth = f'{folders["depth"]}/{stem}.png'
        missing = [] if self.index.has(depth) else [depth]
        sequence = relative.parts[0] if len(relative.parts) > 1 else relative.stem
        calibration = calibrations.get(sequence) or calibrations.get(sequence[:10])
        if calibration is None:
            missing.append(f'calibration {sequence[:10]}.txt of {image.relative_to(self.root)}')
        self._missing += missing
        if calibration is None or missing:
            return None
        if not self._keeps(right, f'{folders["right"]}/{stem}.jpg'):
            return None
        shape = read_image_shape(image)
        return make_item(
            frame_id=stem,
            img_path=image.relative_to(self.root).as_posix(),
            right_path=right,
            depth_path=depth,
            calibration=self._calibration(calibration, shape),
            shape=shape,
        )
