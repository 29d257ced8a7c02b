"""Rendered views and ray termination distributions of several occupancy volumes along the same rays.

H x W rendered pixels, R rays, S samples along a ray, X/Y/Z voxels, K classes of which the last one is free.
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
from projects.radocc import full_image_rays
from projects.rendering import VoxelGrid, find_first_hits, ray_distribution, uniform_samples

FINE_BINS = {'t_range': (0.0, 57.4), 'step': 0.2}
"""Samples of the pictures in metres of z-depth, whatever the training takes."""


class RayRenderer:
    """Renders volumes as RadOcc is trained: with the field and the density of its config.

    Attributes:
        edges (tuple[Tensor, Tensor]): Starts and ends of the samples in metres of z-depth, each (S,).

    Args:
        geometry (Mapping): Config of :class:`projects.radocc.RaySampleGeometry`.
        neck (Mapping): Config of :class:`projects.radocc.VolumeRenderingNeck`.
    """

    def __init__(self, geometry: Mapping[str, Any], neck: Mapping[str, Any]) -> None:
        self.geometry = MODELS.build(dict(geometry)).eval()
        self.edges = uniform_samples(self.geometry.t_range, self.geometry.step)
        self.neck = MODELS.build(dict(neck))

    @classmethod
    def from_config(cls, config_file: str | Path, bins: Mapping[str, Any] | None = None) -> 'RayRenderer':
        """Renderer of a config of RadOcc.

        Args:
            config_file (str | Path): Config whose model is a ``Distiller``.
            bins (Mapping | None): Other samples than those of the training. Defaults to None.
        """
        model = Config.fromfile(config_file).model
        return cls({**model.shared.rays.geometry, **(bins or {})}, model.connectors.rendered)

    @property
    def grid(self) -> VoxelGrid:
        """Grid of the volumes."""
        return self.geometry.grid

    def prepare(self, rays_o: Tensor, rays_d: Tensor) -> dict[str, Tensor]:
        """Samples along rays, each of shape (R, 3), that several renders share."""
        return self.geometry(rays_o[None], rays_d[None])

    def __call__(self, logits: Tensor, prepared: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Render logits of shape (1, X, Y, Z, K).

        Returns:
            dict[str, Tensor]: ``weights`` (R, S), ``depths`` (R,), ``semantics`` (R, K - 1), ``opacities`` (R,).
        """
        return {name: value[0] for name, value in self.neck(logits, prepared).items()}


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


def camera_rays(sample: Mapping[str, Any], camera: int, height: int) -> CameraRays:
    """Rays through the pixels of one camera's whole image, shrunk to ``height`` rows.

    Args:
        sample (Mapping): Packed sample with inputs ``cam2img`` (N, 3, 3), ``cam2ego`` (N, 4, 4), ``bda_mat`` (4, 4).
        camera (int): Index of the camera.
        height (int): H.
    """
    inputs, data = sample['inputs'], sample['data_samples']
    rows, columns = data.metainfo['ori_shape'][:2]
    size = (height, round(columns * height / rows))
    batch = {name: inputs[name][None] for name in ('cam2img', 'cam2ego', 'bda_mat')}
    rays = full_image_rays(batch, [data], camera, size)
    return CameraRays(rays['rays_o'][0].contiguous(), rays['rays_d'][0].contiguous(), size)


def render_views(volumes: Mapping[str, Tensor], rays: CameraRays, renderer: RayRenderer) -> dict[str, RenderedView]:
    """Render volumes of logits along the same rays.

    Args:
        volumes (Mapping[str, Tensor]): Name -> logits of shape (1, X, Y, Z, K).
        rays (CameraRays): Where to look.
        renderer (RayRenderer): How.
    """
    prepared = renderer.prepare(rays.rays_o, rays.rays_d)
    views = {}
    for name, logits in volumes.items():
        rendered = renderer(logits, prepared)
        opacity = rendered['opacities']
        seen = opacity >= 0.5
        depth = torch.where(seen, rendered['depths'] / opacity.clamp_min(1e-6), torch.nan)
        classes = torch.where(seen, rendered['semantics'].argmax(-1), logits.shape[-1] - 1)
        views[name] = RenderedView(
            depth.view(rays.size).numpy(),
            classes.view(rays.size).numpy(),
            rendered['weights'].view(*rays.size, -1).numpy(),
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
