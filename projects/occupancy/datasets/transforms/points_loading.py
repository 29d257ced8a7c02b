"""Loading of LiDAR points and sweeps. P points of (x, y, z, intensity, time lag)."""

import logging
import multiprocessing
import os
from multiprocessing.sharedctypes import Synchronized

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS
from mmengine.logging import print_log

from projects.fileio.limits import FILE_BYTES, advice, exceeds, limit
from projects.occupancy.classes import UNLABELLED
from projects.transforms.random_draws import subset

MAX_VALUE = 1e5
"""Largest coordinate in metres, and intensity: LiDARs reach a kilometre and have at most 16 bits of intensity. Files of
float64 read as float32 hold 1e19."""
_STEP = 7
"""Intensities are looked at in every seventh point; with one column less, three of any four rows would have coordinates
there."""

# Shared by forked DataLoader workers, so that a run says it once and not once per worker.
_SAID_EMPTY = multiprocessing.Value('b', 0)
_SAID_NO_SWEEPS = multiprocessing.Value('b', 0)


def _warn_once(flag: Synchronized, message: str) -> None:
    with flag.get_lock():
        said, flag.value = flag.value, 1
    if not said:
        print_log(message, logger='current', level=logging.WARNING)


def read_points(path: str, load_dim: int = 5) -> np.ndarray:
    """Read a nuScenes-like point file.

    A file without points gives an empty array and a warning, once per run (forked workers included).

    Args:
        path (str): File of float32 rows x, y, z, intensity, ...
        load_dim (int): Numbers per row. Defaults to 5.

    Returns:
        np.ndarray: x, y, z, intensity. Shape (P, 4), float32.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is too large, does not hold whole rows, a coordinate or intensity is NaN, infinite or
            out of any range, or intensities are negative: the file then has other numbers or columns than ``load_dim``
            float32.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f'LiDAR file not found: {path}; check data_root and data_prefix of the dataset')
    size = os.path.getsize(path)
    if exceeds(size, FILE_BYTES):
        raise ValueError(
            f'LiDAR file {path} has {size} bytes, more than the {limit(FILE_BYTES)} that are expected; '
            + advice(size / FILE_BYTES)
        )
    if size % (4 * load_dim):
        raise ValueError(
            f'LiDAR file is truncated: {path} has {size} bytes, not a multiple of {4 * load_dim} '
            f'({load_dim} float32 per point); copy or download it again. If it has another number of columns, set '
            'load_dim of LoadLidarPoints and LoadLidarSweeps'
        )
    points = np.ascontiguousarray(np.fromfile(path, dtype=np.float32).reshape(-1, load_dim)[:, :4])
    if len(points) == 0:
        _warn_once(_SAID_EMPTY, f'LiDAR file without points: {path}; it is used as an empty cloud (said once)')
    elif not _are_plausible(points):
        raise ValueError(f'LiDAR file {path} {_points_problem(points, load_dim)}')
    return points


def _are_plausible(points: np.ndarray) -> bool:
    """Whether points (P, 4), P > 0, are finite and within limits, and no intensity that is looked at is negative."""
    flat = points.reshape(-1)
    # The sum of the squares is the cheapest pass; it tells for all unless the cloud is large.
    with np.errstate(over='ignore'):  # what overflows is looked at again
        within = float(flat @ flat) <= MAX_VALUE**2
    within = within or bool(flat.min() >= -MAX_VALUE and flat.max() <= MAX_VALUE)
    return within and bool(points[::_STEP, 3].min() >= 0)


def _points_problem(points: np.ndarray, load_dim: int) -> str:
    """Why points (P, 4) cannot be those of a LiDAR."""
    # NaN coordinates vanish in voxelisation and NaN intensities reach the network, both without a word.
    finite = np.isfinite(points)
    if not finite.all():
        names = [name for name, good in zip(('x', 'y', 'z', 'intensity'), finite.all(axis=0)) if not good]
        return (
            f'holds NaN or infinity in {", ".join(names)} of {int((~finite.all(axis=1)).sum())} of {len(points)} '
            'points; copy or download the file again'
        )
    if np.abs(points).max() > MAX_VALUE:
        seen = f'values up to {np.abs(points).max():g}, more than {MAX_VALUE:g} (metres, or units of intensity)'
    else:
        seen = f'an intensity of {points[:, 3].min():g}, which cannot be negative'
    return (
        f'holds {seen}: its numbers are not {load_dim} float32 per point (x, y, z, intensity, ...). Is it of float64, '
        'or has it another number of columns (load_dim of LoadLidarPoints and LoadLidarSweeps)?'
    )


def _with_lag(points: np.ndarray, lag: float) -> np.ndarray:
    return np.hstack([points, np.full((len(points), 1), lag, np.float32)])


@TRANSFORMS.register_module()
class LoadLidarPoints(BaseTransform):
    """Load the LiDAR points of the keyframe.

    Required keys: ``lidar_path``. Added keys: ``points`` (P, 5) float32 in the LiDAR frame: x, y, z in m, intensity
    0..255, time lag in s (0 here); ``points_frame`` = 'lidar'.

    Args:
        load_dim (int): Numbers per point in the file. Defaults to 5 (nuScenes).
    """

    def __init__(self, load_dim: int = 5) -> None:
        self.load_dim = load_dim

    def transform(self, results: dict) -> dict:
        """Read ``lidar_path``."""
        results['points'] = _with_lag(read_points(results['lidar_path'], self.load_dim), 0.0)
        results['points_frame'] = 'lidar'
        return results


@TRANSFORMS.register_module()
class LoadLidarSweeps(BaseTransform):
    """Add earlier sweeps, moved into the LiDAR frame of the keyframe.

    Required keys: ``points`` in the LiDAR frame, ``lidar_sweeps`` (newest first; ``path``, ``sweep2key`` (4, 4),
    ``time_lag`` in s). Optional keys: ``sweeps_expected`` (bool: the sample should have sweeps), ``ann_file`` and
    ``token`` for the warning, said once per run, when it has none. Modified keys: ``points``, and, where
    they are there, ``point_classes``: 255 for points of sweeps, which have no labels.

    Args:
        num_sweeps (int): Sweeps to add; fewer when the scene has just begun. Defaults to 9.
        remove_close (float): Points nearer to the sensor in x and y than this many metres are the ego car and are
            dropped. Defaults to 1.0.
        test_mode (bool): Take the newest sweeps instead of a random choice. Defaults to False.
        load_dim (int): Numbers per point in the file. Defaults to 5 (nuScenes).
    """

    def __init__(
        self, num_sweeps: int = 9, remove_close: float = 1.0, test_mode: bool = False, load_dim: int = 5
    ) -> None:
        self.num_sweeps = num_sweeps
        self.remove_close = remove_close
        self.test_mode = test_mode
        self.load_dim = load_dim

    def _load(self, sweep: dict) -> np.ndarray:
        points = read_points(sweep['path'], self.load_dim)
        points = points[(np.abs(points[:, :2]) >= self.remove_close).any(axis=1)]
        sweep2key = np.asarray(sweep['sweep2key'])
        points[:, :3] = points[:, :3] @ sweep2key[:3, :3].T + sweep2key[:3, 3]
        return _with_lag(points, sweep['time_lag'])

    def transform(self, results: dict) -> dict:
        """Choose sweeps and append their points."""
        require_frame(results, 'lidar', 'LoadLidarSweeps')
        sweeps = results.get('lidar_sweeps') or []
        if self.num_sweeps and not sweeps and results.get('sweeps_expected'):
            _warn_once(
                _SAID_NO_SWEEPS,
                f'LoadLidarSweeps(num_sweeps={self.num_sweeps}): sample {results.get("token")} of '
                f'{results.get("ann_file")} has no LiDAR sweeps, so the model sees the points of the keyframe alone; '
                'put sweeps/LIDAR_TOP below the data root and write the info file with tools/create_data.py occ3d-nus '
                '--force, or set num_sweeps=0 (said once)',
            )
        if len(sweeps) > self.num_sweeps:
            chosen = range(self.num_sweeps) if self.test_mode else subset(len(sweeps), self.num_sweeps)
            sweeps = [sweeps[index] for index in chosen]
        results['points'] = np.concatenate([results['points'], *map(self._load, sweeps)]).astype(np.float32)
        if 'point_classes' in results:
            unknown = np.full(len(results['points']) - len(results['point_classes']), UNLABELLED, np.uint8)
            results['point_classes'] = np.concatenate([results['point_classes'], unknown])
        return results


def require_frame(results: dict, frame: str, name: str) -> None:
    """Raise ValueError if the points are not in the frame that a transform works in."""
    if results.get('points_frame') != frame:
        raise ValueError(
            f'{name} needs points in the {frame} frame, got {results.get("points_frame")!r}; '
            'order the pipeline LoadLidarPoints, LoadLidarSweeps, PointsToEgo, then the rest'
        )
