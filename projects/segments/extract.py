"""Segments of many images with several processes, resumed where a run stopped."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context

import cv2
import numpy as np
from tqdm import tqdm

from projects.compute.pool import available_cpus
from projects.fileio import start_worker
from projects.transforms import read_image

from .files import number_segments, segments_fault, write_segments
from .paths import SegmentFile

Segmenter = Callable[[np.ndarray], np.ndarray]
"""Image (H, W, 3) uint8 BGR -> labels (H, W), 0 for no segment; picklable."""
Faults = list[tuple[SegmentFile, str]]
"""Files and what is wrong with each."""
_Task = Callable[[SegmentFile], str | None]


def find_fault(file: SegmentFile) -> str | None:
    """As :func:`segments_fault`, for images that may be missing or damaged themselves."""
    try:
        return segments_fault(file)
    except (OSError, ValueError) as error:
        return f'its image cannot be read: {error}'


def segment_image(file: SegmentFile, segmenter: Segmenter) -> str | None:
    """Write the segments of one image.

    Returns:
        str | None: Why there are none, with the name of the image; None if they are there.

    Raises:
        OSError: If the disk is full or cannot be written to.
    """
    try:
        image = read_image(file.image)
    except (FileNotFoundError, ValueError) as error:
        return str(error)
    labels = segmenter(image)
    try:
        ids = number_segments(labels)
    except ValueError as error:
        return f'{file.image}: {error}'
    write_segments(file.segments, ids)
    return None


def _start(threads: int) -> None:
    """Begin a process with its share of the CPUs: OpenCV, and torch when SAM loads it, would each take all of them."""
    start_worker()
    cv2.setNumThreads(threads)
    os.environ.setdefault('OMP_NUM_THREADS', str(threads))


def _in_processes(task: _Task, files: Sequence[SegmentFile], workers: int) -> Iterator[str | None]:
    """Results of a task in the order of the files."""
    if workers <= 1 or len(files) <= 1:
        yield from map(task, files)
        return
    processes = min(workers, len(files))
    share = max(1, available_cpus() // processes)
    with ProcessPoolExecutor(processes, get_context('spawn'), initializer=_start, initargs=(share,)) as pool:
        try:
            yield from pool.map(task, files, chunksize=2)
        except BrokenProcessPool as error:
            raise RuntimeError(
                'a process was killed, perhaps for lack of memory; what is finished is kept: give the same command '
                'again, with fewer workers'
            ) from error
        except (ImportError, ValueError) as error:  # raised anew, since this one was raised in another process
            pool.shutdown(cancel_futures=True)
            raise RuntimeError(f'images cannot be segmented: {error}') from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _faults(files: Sequence[SegmentFile], results: Iterable[str | None], bar: tqdm) -> Faults:
    """Files whose result is a fault; the bar counts all."""
    faults = []
    with bar:
        for file, fault in zip(files, results):
            bar.update()
            if fault is not None:
                faults.append((file, fault))
    return faults


def check_files(files: Sequence[SegmentFile], workers: int = 1) -> Faults:
    """Find the files of segments that are missing or damaged.

    Args:
        files (Sequence[SegmentFile]): The files with their images, whose sizes they must have.
        workers (int): Threads. Defaults to 1.

    Returns:
        Faults: Those that are not whole, in the order of ``files``.
    """
    with ThreadPoolExecutor(workers) as pool:
        return _faults(files, pool.map(find_fault, files), tqdm(total=len(files), desc='check', unit='image'))


def extract(files: Sequence[SegmentFile], segmenter: Segmenter, workers: int = 1) -> Faults:
    """Make the segments of all images whose file is missing or damaged.

    Args:
        files (Sequence[SegmentFile]): Images and the files to write.
        segmenter (Segmenter): Segments one image.
        workers (int): Processes. Defaults to 1.

    Returns:
        Faults: Images that could not be segmented, and why. The others have their files.

    Raises:
        OSError: If the disk is full or cannot be written to.
        RuntimeError: If a process was killed.
    """
    todo = [file for file, _ in check_files(files, workers)]
    bar = tqdm(total=len(files), initial=len(files) - len(todo), desc='segment', unit='image')
    return _faults(todo, _in_processes(partial(segment_image, segmenter=segmenter), todo, workers), bar)
