"""Rendered views and ray termination distributions of several occupancy volumes along the same rays.

H x W rendered pixels, S samples along a ray, X/Y/Z voxels, K classes of which the last one is free.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from projects.occupancy.classes import UNLABELLED
from projects.rendering import (
    VoxelGrid,
    find_first_hits,
    pixels_to_rays,
    prepare_ray_samples,
    ray_distribution,
    render_occupancy_samples,
    scale_intrinsics,
)


@dataclass(frozen=True)
class RenderedView:
    """One volume seen by one camera.

    Args:
        depths (np.ndarray): Mean z-depth in metres over what was hit, NaN where less than half of a ray ends. (H, W).
        semantics (np.ndarray): Most likely class of what was hit, the free id where less than half ends. (H, W).
        weights (np.ndarray): Ray termination distribution of every pixel. Shape (H, W, S).
    """

    depths: np.ndarray
    semantics: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class CameraRays:
    """All rays of one camera at render size, in the ego frame.

    Args:
        rays_o (Tensor): Origins. Shape (H * W, 3).
        rays_d (Tensor): Directions with camera z = 1. Shape (H * W, 3).
        size (tuple[int, int]): (H, W).
    """

    rays_o: Tensor
    rays_d: Tensor
    size: tuple[int, int]


def camera_rays(inputs: Mapping[str, Tensor], ori_shape: tuple[int, int], camera: int, height: int) -> CameraRays:
    """Rays through the pixels of one camera's whole image, shrunk to ``height`` rows.

    Args:
        inputs (Mapping[str, Tensor]): ``cam2img`` (N, 3, 3), ``cam2ego`` (N, 4, 4) and ``bda_mat`` (4, 4) of a sample.
        ori_shape (tuple[int, int]): Height and width of the raw image.
        camera (int): Index of the camera.
        height (int): H.
    """
    width = round(ori_shape[1] * height / ori_shape[0])
    cam2img = scale_intrinsics(inputs['cam2img'][camera], width / ori_shape[1], height / ori_shape[0])
    v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    pixels = torch.stack([u, v], -1).reshape(-1, 2).float()
    rays_o, rays_d = pixels_to_rays(pixels, cam2img, inputs['bda_mat'] @ inputs['cam2ego'][camera])
    return CameraRays(rays_o.contiguous(), rays_d, (height, width))


def render_views(
    volumes: Mapping[str, Tensor],
    rays: CameraRays,
    grid: VoxelGrid,
    edges: tuple[Tensor, Tensor],
    density: str = 'log_odds',
) -> dict[str, RenderedView]:
    """Render volumes of logits along the same rays.

    Args:
        volumes (Mapping[str, Tensor]): Name -> logits of shape (1, X, Y, Z, K).
        rays (CameraRays): Where to look.
        grid (VoxelGrid): Grid of the volumes.
        edges (tuple[Tensor, Tensor]): Starts and ends of the samples, each (S,).
        density (str): See :func:`projects.rendering.render_occupancy_samples`. Defaults to 'log_odds'.
    """
    samples = prepare_ray_samples(rays.rays_o[None], rays.rays_d[None], grid, *edges)
    views = {}
    for name, logits in volumes.items():
        rendered = render_occupancy_samples(logits, samples, min(grid.voxel_size), density)
        opacity = rendered.opacities[0]
        seen = opacity >= 0.5
        depth = torch.where(seen, rendered.depths[0] / opacity.clamp_min(1e-6), torch.nan)
        classes = torch.where(seen, rendered.semantics[0].argmax(-1), logits.shape[-1] - 1)
        views[name] = RenderedView(
            depth.view(rays.size).numpy(),
            classes.view(rays.size).numpy(),
            rendered.weights[0].view(*rays.size, -1).numpy(),
        )
    return views


def label_view(label: np.ndarray, free_class: int, rays: CameraRays, grid: VoxelGrid) -> RenderedView:
    """What a camera sees of a label: the first occupied voxel of each ray, exactly; there are no weights (S = 0).

    Where that voxel is not labelled (255), the depth is infinite and the class is free.
    """
    occupied = torch.from_numpy(label != free_class)
    hits = find_first_hits(occupied, rays.rays_o, rays.rays_d, grid)
    voxel = hits.voxel.clamp_min(0).numpy()
    found = label[tuple(voxel.T)]
    known = found != UNLABELLED
    classes = np.where(hits.hit.numpy() & known, found, free_class)
    depth = np.where(hits.hit.numpy(), np.where(known, hits.t_entry.numpy(), np.inf), np.nan)
    return RenderedView(depth.reshape(rays.size), classes.reshape(rays.size), np.zeros((*rays.size, 0), np.float32))


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

    Args:
        teacher (RenderedView): Teacher's view.
        baseline (RenderedView): Baseline's view.
        label (RenderedView): View of the label.
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


def _take_apart(order: np.ndarray, size: tuple[int, int], count: int, reason: str, chosen: list[ChosenRay]) -> None:
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
