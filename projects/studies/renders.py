"""Rendered views and ray termination distributions of several occupancy volumes along the same rays.

H x W rendered pixels, S samples along a ray, X/Y/Z voxels, K classes of which the last one is free.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from torch import Tensor

from projects.occupancy.classes import UNLABELLED
from projects.occupancy.models import RaySampleGeometry
from projects.radocc import VolumeRenderingConnector, full_image_rays
from projects.rendering import (
    RenderedRays,
    RenderedView,
    VoxelGrid,
    find_first_hits,
    ray_distribution,
    uniform_samples,
    view_of,
)

FINE_BINS = {'t_range': (0.0, 57.4), 'step': 0.2}
"""Samples of the pictures in metres of z-depth, whatever the training takes."""


def build_renderer(config_file: str | Path, bins: Mapping[str, Any] | None = None) -> VolumeRenderingConnector:
    """Renderer of a config of RadOcc, with the field and the density that it trains.

    Args:
        config_file (str | Path): Config whose model is a ``Distiller``.
        bins (Mapping | None): Other ``t_range`` and ``step`` than those of the training. Defaults to None.
    """
    model = Config.fromfile(config_file).model
    geometry = {**model.shared.rays.geometry, **(bins or {})}
    return MODELS.build({**model.connectors.rendered, 'geometry': geometry}).eval()


def geometry_of(renderer: VolumeRenderingConnector) -> RaySampleGeometry:
    """Samples of the rays of a renderer that :func:`build_renderer` made."""
    assert renderer.geometry is not None
    return renderer.geometry


def edges(renderer: VolumeRenderingConnector) -> tuple[Tensor, Tensor]:
    """Starts and ends of the samples of a renderer in metres of z-depth, each (S,)."""
    geometry = geometry_of(renderer)
    return uniform_samples(geometry.t_range, geometry.step)


def camera_rays(sample: Mapping[str, Any], camera: int, height: int) -> tuple[dict[str, Tensor], tuple[int, int]]:
    """Rays through the pixels of one camera's whole image, shrunk to ``height`` rows.

    Args:
        sample (Mapping): Packed sample with inputs ``cam2img`` (N, 3, 3), ``cam2ego`` (N, 4, 4), ``bda_mat`` (4, 4).
        camera (int): Index of the camera.
        height (int): H.

    Returns:
        tuple: ``rays_o`` and ``rays_d`` (1, H * W, 3) in the ego frame, and (H, W).
    """
    rows, columns = sample['data_samples'].metainfo['ori_shape'][:2]
    size = (height, round(columns * height / rows))
    batch = {name: sample['inputs'][name][None] for name in ('cam2img', 'cam2ego', 'bda_mat')}
    return full_image_rays(batch, [sample['data_samples']], camera, size), size


def render_views(
    volumes: Mapping[str, Tensor], rays: Mapping[str, Tensor], size: tuple[int, int], renderer: VolumeRenderingConnector
) -> dict[str, RenderedView]:
    """Render volumes of logits, name -> (1, X, Y, Z, K), along the same rays of :func:`camera_rays`."""
    prepared = geometry_of(renderer).prepare(rays['rays_o'], rays['rays_d'])
    views = {}
    for name, logits in volumes.items():
        rendered = {key: value[0] for key, value in renderer(logits, prepared).items()}
        views[name] = view_of(RenderedRays(**rendered), size)
    return views


def label_view(
    label: np.ndarray, free_class: int, rays: Mapping[str, Tensor], size: tuple[int, int], grid: VoxelGrid
) -> RenderedView:
    """What a camera sees of a label: the first occupied voxel of each ray, exactly; there are no weights (S = 0).

    Where that voxel is not labelled (255), the depth is infinite and the class is free.
    """
    hits = find_first_hits(torch.from_numpy(label != free_class), rays['rays_o'][0], rays['rays_d'][0], grid)
    found, hit = label[tuple(hits.voxel.clamp_min(0).numpy().T)], hits.hit.numpy()
    known = found != UNLABELLED
    classes = np.where(hit & known, found, free_class)
    depth = np.where(hit, np.where(known, hits.t_entry.numpy(), np.inf), np.nan)
    return RenderedView(depth.reshape(size), classes.reshape(size), np.zeros((*size, 0), np.float32))


@dataclass(frozen=True)
class ChosenRay:
    """A pixel whose ray distributions are drawn, and why it was chosen."""

    row: int
    column: int
    reason: str


def choose_rays(teacher: RenderedView, baseline: RenderedView, label: RenderedView) -> list[ChosenRay]:
    """Choose four rays of a view by rules that do not look at the distilled student.

    Two rays whose mean depths of teacher and baseline agree within a metre while their distributions differ most (what
    the paper's Fig. 3 shows), and two rays of median divergence among those that hit something (the usual case).
    Rays must hit the label between 4 and 36 m, and keep 1/8 of the picture's width from each other.
    """
    divergence = _divergence(baseline.weights, teacher.weights)
    hit = (label.depths > 4) & (label.depths < 36) & np.isfinite(teacher.depths) & np.isfinite(baseline.depths)
    alike = hit & (np.abs(teacher.depths - baseline.depths) < 1.0)
    chosen: list[ChosenRay] = []
    if alike.any():
        order = np.argsort(-np.where(alike, divergence, -1), axis=None)[: alike.sum()]
        _take_apart(order, divergence.shape, 2, 'depths agree, distributions differ most', chosen)
    if hit.any():
        distance = np.where(hit, np.abs(divergence - np.median(divergence[hit])), np.inf)
        order = np.argsort(distance, axis=None)[: hit.sum()]
        _take_apart(order, divergence.shape, 4, 'median divergence', chosen)
    return chosen


def _take_apart(order: np.ndarray, size: tuple[int, ...], count: int, reason: str, chosen: list[ChosenRay]) -> None:
    """Append pixels in the given order, skipping close neighbours, until ``chosen`` holds ``count``."""
    for row, column in zip(*np.unravel_index(order, size)):
        if len(chosen) == count:
            return
        if all(np.hypot(row - other.row, column - other.column) > size[1] / 8 for other in chosen):
            chosen.append(ChosenRay(int(row), int(column), reason))


def _divergence(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    """KL(teacher || student) of every pixel. Shape (H, W)."""
    guess, target = (ray_distribution(torch.from_numpy(weights)) for weights in (student, teacher))
    return (target * (target / guess).log()).sum(-1).numpy()
