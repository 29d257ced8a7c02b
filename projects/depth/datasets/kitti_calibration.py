"""Calibration files of KITTI raw data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from projects.depth_eval.infos import MAX_BASELINE
from projects.fileio import read_text
from projects.geometry import as_intrinsics, as_matrix


@dataclass(frozen=True)
class StereoCalibration:
    """Calibration of the rectified colour cameras of one date.

    Args:
        left (np.ndarray): Intrinsics of camera 2. Shape (3, 3).
        right (np.ndarray): Intrinsics of camera 3. Shape (3, 3).
        baseline (float): Distance of camera 3 to the right of camera 2, in metres.
        image_shape (tuple[int, int] | None): H and W of the rectified images, if the file has them.
    """

    left: np.ndarray
    right: np.ndarray
    baseline: float
    image_shape: tuple[int, int] | None = None


def parse_calibration(text: str) -> dict[str, np.ndarray]:
    """Read the lines ``key: numbers``; lines of text such as ``calib_time`` are left out."""
    values = {}
    for line in text.splitlines():
        key, _, rest = line.partition(':')
        try:
            values[key.strip()] = np.array([float(v) for v in rest.split()])
        except ValueError:
            continue
    return values


def calibration_from_projections(
    p2: np.ndarray, p3: np.ndarray, image_shape: tuple[int, int] | None = None, name: str = 'calibration'
) -> StereoCalibration:
    """Make a calibration of the projections (3, 4) of cameras 2 and 3.

    Raises:
        ValueError: If they are not finite, not rectified against each other, or camera 3 is not on the right.
    """
    for key, matrix in (('P_rect_02', p2), ('P_rect_03', p3)):
        as_matrix(matrix, (3, 4), f'{key} of {name}')
        as_intrinsics(matrix[:, :3], f'{key} of {name} (left 3x3 block)')
    if not np.allclose(p2[:2, :2], p3[:2, :2], rtol=1e-4) or abs(p2[1, 2] - p3[1, 2]) > 0.5:
        raise ValueError(
            f'{name}: P_rect_02 and P_rect_03 are not those of a rectified pair (focal length or rows differ)'
        )
    baseline = float((p2[0, 3] - p3[0, 3]) / p2[0, 0])
    if baseline <= 0:
        raise ValueError(
            f'{name}: camera 3 lies {-baseline:.3f} m to the left of camera 2, so disparities would be negative; '
            'are P_rect_02 and P_rect_03 swapped?'
        )
    if baseline > MAX_BASELINE:
        raise ValueError(
            f'{name}: P_rect_02 and P_rect_03 give a baseline of {baseline:g} m, more than {MAX_BASELINE:g} m; '
            'are they in metres?'
        )
    return StereoCalibration(p2[:, :3].copy(), p3[:, :3].copy(), baseline, image_shape)


def read_calibration(path: str | Path) -> StereoCalibration:
    """Read ``calib_cam_to_cam.txt`` of a date.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If the file is no text in UTF-8, a key is missing or has wrong values, or the pair is not rectified.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'calibration not found: {path}; unpack {path.parent.name}_calib.zip of KITTI raw there'
        )
    values = parse_calibration(read_text(path))
    for key in ('P_rect_02', 'P_rect_03'):
        if values.get(key) is None or values[key].size != 12:
            raise ValueError(f'{path} must hold {key} with 12 numbers; is it the calibration of KITTI raw?')
    size = values.get('S_rect_02')
    if size is not None and not (size.size == 2 and np.isfinite(size).all() and (size >= 1).all()):
        raise ValueError(f'S_rect_02 of {path} must be the width and height of the images, got {size.tolist()}')
    shape = (int(size[1]), int(size[0])) if size is not None else None
    p2, p3 = values['P_rect_02'].reshape(3, 4), values['P_rect_03'].reshape(3, 4)
    return calibration_from_projections(p2, p3, shape, str(path))
