"""Loading of six camera images as one data worker does it: read, decode, resize, crop.

The images are synthetic JPEG files of the sizes of MiniDrive (450 x 800 -> 128 x 224) and nuScenes
(900 x 1600 -> 256 x 704), written to a temporary folder.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from projects.occupancy.datasets.transforms import LoadMultiViewImages, MultiViewImageAug

from .core import Benchmark

# Largest mean difference of grey values (of 255) between two ways to shrink the same picture.
MEAN_DIFFERENCE = 4.0


def write_images(folder: Path, height: int, width: int) -> list[str]:
    """Six pictures with the detail of a street scene: smooth shapes, edges and some noise."""
    rng, paths = np.random.default_rng(0), []
    for camera in range(6):
        coarse = cv2.resize(rng.integers(0, 256, (9, 16, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
        edges = cv2.resize(rng.integers(0, 2, (45, 80, 1), np.uint8) * 60, (width, height), interpolation=0)
        img = np.clip(coarse * 0.7 + edges[..., None] + rng.normal(0, 2, (height, width, 1)), 0, 255)
        paths.append(str(folder / f'{camera}.jpg'))
        cv2.imwrite(paths[-1], img.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return paths


def pil_loading(paths: list[str], final_dim: tuple[int, int]) -> Tensor:
    """PIL: whole image, resize with its antialiasing filter, crop at the bottom; (6, h, w, 3) in BGR order.

    Source: the image pipeline of BEVDet and FlashOCC (``PrepareImageInputs``),
    https://github.com/Yzichen/FlashOCC/blob/4084861/projects/mmdet3d_plugin/datasets/pipelines/loading.py
    """
    final_h, final_w = final_dim
    views = []
    for path in paths:
        img = Image.open(path)
        scale = max(final_h / img.height, final_w / img.width)
        size = round(img.width * scale), round(img.height * scale)
        left, top = (size[0] - final_w) // 2, size[1] - final_h
        img = img.resize(size).crop((left, top, left + final_w, top + final_h))
        views.append(np.asarray(img)[..., ::-1].copy())
    return torch.from_numpy(np.stack(views))


def our_loading(paths: list[str], final_dim: tuple[int, int], reduced_decode: int) -> Callable[[], Tensor]:
    """Our transforms in test mode; the same size and crop."""
    load = LoadMultiViewImages(reduced_decode=reduced_decode)
    augment = MultiViewImageAug(final_dim, test_mode=True)

    def run() -> Tensor:
        results = augment.transform(load.transform({'img_paths': paths, 'token': 'benchmark'}))
        return torch.from_numpy(np.stack(results['imgs']))

    return run


def check(variant: str, result: Any, reference: Any) -> str | None:
    """Same size, and the same picture up to the filter that shrinks it."""
    if result.shape != reference.shape:
        return f'{variant}: images are {tuple(result.shape)}, expected {tuple(reference.shape)}'
    difference = float((result.float() - reference.float()).abs().mean())
    if difference > MEAN_DIFFERENCE:
        return f'{variant}: grey values differ by {difference:.1f} on average, allowed are {MEAN_DIFFERENCE}'
    return None


def one_thread(function: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """As in a data worker, which has one thread."""

    def run() -> Tensor:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            return function()
        finally:
            cv2.setNumThreads(threads)

    return run


def benchmarks(quick: bool) -> Iterator[Benchmark]:
    """MiniDrive's sizes, and nuScenes' when there is time."""
    sizes = {'dataload_minidrive': ((450, 800), (128, 224))}
    if not quick:
        sizes['dataload_nuscenes'] = ((900, 1600), (256, 704))
    for op, (shape, final_dim) in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = write_images(Path(folder), *shape)
            variants = {
                'full decode + resize': our_loading(paths, final_dim, 1),
                'PIL (BEVDet)': lambda: pil_loading(paths, final_dim),  # noqa: B023
                'decode at 1/2 + resize': our_loading(paths, final_dim, 2),
            }
            yield Benchmark(
                op,
                'full decode + resize',
                {name: one_thread(function) for name, function in variants.items()},
                check,
                floors={'decode at 1/2 + resize': 1.8},
                rounds=21,
                quick_rounds=9,
            )
