"""mIoU from files: reading label, mask and prediction, checking them, and counting the confusion matrix."""

import os
import tempfile
import weakref
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from projects.fileio import start_worker
from projects.occ_eval.files import Frame
from projects.occ_eval.protocol import OccProtocol
from projects.occ_eval.stream import score_chunk

from .core import Benchmark
from .occ_scenes import make_prediction, make_scene, visible_from_cameras

PEER = 'published evaluator'
PROTOCOL = OccProtocol(('miou',), 'camera')


def write_frames(folder: Path, count: int) -> list[Frame]:
    """Labels with both masks, and predictions, as they are on disk."""
    frames = []
    for i in range(count):
        scene = make_scene(i)
        masks = {'mask_camera': visible_from_cameras(scene), 'mask_lidar': visible_from_cameras(scene, height=1.8)}
        label, pred = folder / f'label{i}.npz', folder / f'pred{i}.npz'
        np.savez_compressed(label, semantics=scene, **masks)
        np.savez_compressed(pred, make_prediction(scene, i))
        frames.append(Frame(str(i), str(label), str(pred)))
    return frames


def published(frames: list[Frame]) -> np.ndarray:
    """The challenge's way: np.load of everything, bool masks, ``hist_info`` in integers of 64 bits."""
    hist = np.zeros((18, 18))
    for frame in frames:
        with np.load(frame.label) as label:
            semantics = label['semantics']
            masks = {key: label[key].astype(bool) for key in ('mask_lidar', 'mask_camera')}
        with np.load(frame.pred) as content:
            pred = content['arr_0']
        target, guess = semantics[masks['mask_camera']].flatten(), pred[masks['mask_camera']].flatten()
        known = (target >= 0) & (target < 18)
        np.sum(known)
        np.sum(guess[known] == target[known])
        pairs = 18 * target[known].astype(int) + guess[known].astype(int)
        counts = np.bincount(pairs, minlength=18**2).reshape(18, 18)
        with np.errstate(divide='ignore', invalid='ignore'):
            round(np.nanmean(np.diag(counts) / (counts.sum(1) + counts.sum(0) - np.diag(counts))) * 100, 2)
        hist += counts
    return hist


def ours(frames: list[Frame]) -> np.ndarray:
    """The tool's way, in this process."""
    record = score_chunk(frames, PROTOCOL, strict=True)
    if record['errors']:
        raise RuntimeError(record['errors'][0]['error'])
    return np.array(record['sums']['hist'])


def without_numba(function: Callable[[list[Frame]], np.ndarray]) -> Callable[[list[Frame]], np.ndarray]:
    """The same without numba."""

    def run(frames: list[Frame]) -> np.ndarray:
        before = os.environ.get('GEODISTILL_NUMBA')
        os.environ['GEODISTILL_NUMBA'] = '0'
        try:
            return function(frames)
        finally:
            if before is None:
                del os.environ['GEODISTILL_NUMBA']
            else:
                os.environ['GEODISTILL_NUMBA'] = before

    return run


def in_processes(pool: ProcessPoolExecutor, parts: int) -> Callable[[list[Frame]], np.ndarray]:
    """The tool's way in a pool that has been started."""

    def run(frames: list[Frame]) -> np.ndarray:
        return sum(pool.map(ours, [frames[i::parts] for i in range(parts)]))

    return run


def same_counts(variant: str, result: np.ndarray, reference: np.ndarray) -> str | None:
    """Integer histograms must be equal."""
    different = int((result != reference).sum())
    return f'{variant}: {different} of {reference.size} counts differ' if different else None


def benchmarks(quick: bool) -> list[Benchmark]:
    """Published evaluator, NumPy alone, numba, and numba in two processes."""
    folder = tempfile.TemporaryDirectory(prefix='miou-')
    frames = write_frames(Path(folder.name), 96 if quick else 32)
    pool = ProcessPoolExecutor(2, mp_context=get_context('spawn'), initializer=start_worker)
    benchmark = Benchmark(
        'miou',
        PEER,
        {
            PEER: published,
            'NumPy': without_numba(ours),
            'numba': ours,
            'numba, 2 processes': in_processes(pool, 4),
        },
        same_counts,
        setup=lambda: (frames,),
        floors={'NumPy': 2.0, 'numba': 5.0, 'numba, 2 processes': 8.0},
        notes={
            PEER: f'{len(frames)} frames; reads both masks',
            'numba': 'with checksums and checks of ids',
            'numba, 2 processes': 'the pool has been started',
        },
    )
    weakref.finalize(benchmark, folder.cleanup)
    weakref.finalize(benchmark, pool.shutdown)
    return [benchmark]
