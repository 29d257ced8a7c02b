"""Where the rays of the cameras end in a predicted volume, against the first occupied voxel of the label.

It measures what RDC teaches. IoU does not: it counts voxels, far ones and hidden ones as much as those that rays meet.
R rays, K classes, Q bins along a ray.
"""

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from projects.radocc import VolumeRenderingConnector

from .renders import camera_rays, edges, geometry_of, label_view
from .statistics import rounded_or_none

#: Amounts by which the control raises the free logit of the student that trained alone.
FREE_SHIFTS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5)


@dataclass(frozen=True)
class RayScores:
    """Depth where rays end, over rays that hit the label; ``false_ends`` over rays that hit nothing.

    Args:
        within: Percent of rays with max(d / t, t / d) < 1.25 for depth d and true depth t (the d1 of depth estimation).
        median_error: Median of the absolute error in metres.
        rmse: Root of the mean squared error in metres; rays that slip through holes weigh most.
        false_ends: Percent of rays into the open that end all the same (opacity of one half or more).
    """

    within: float
    median_error: float
    rmse: float
    false_ends: float

    def as_json(self) -> dict[str, float | None]:
        """Plain data; NaN becomes None."""
        return {name: rounded_or_none(value, 3) for name, value in asdict(self).items()}


def score_rays(
    depths: np.ndarray, opacities: np.ndarray, truth: np.ndarray, near: float = 1.0, far: float = 40.0
) -> RayScores:
    """Score rays.

    Args:
        depths (np.ndarray): Depth at which each ray ends, in metres. Shape (R,).
        opacities (np.ndarray): Probability that it ends at all. Shape (R,).
        truth (np.ndarray): Depth in the label, NaN where nothing is hit, infinite where it is unknown. Shape (R,).
        near (float): Smallest true depth that counts. Defaults to 1.
        far (float): Largest true depth that counts. Defaults to 40.

    Returns:
        RayScores: NaN where there are no such rays.
    """
    hit = (truth >= near) & (truth <= far)
    error = np.abs(np.maximum(depths[hit], 1e-6) - truth[hit])
    within, hits, ended, into_the_open = count_rays(depths, opacities, truth, near, far)
    return RayScores(
        percent(within, hits),
        float(np.median(error)) if len(error) else float('nan'),
        float((error**2).mean() ** 0.5) if len(error) else float('nan'),
        percent(ended, into_the_open),
    )


def count_rays(
    depths: np.ndarray, opacities: np.ndarray, truth: np.ndarray, near: float = 1.0, far: float = 40.0
) -> np.ndarray:
    """Rays of :func:`score_rays` within 25 %, rays that hit the label, rays into the open that end, rays into the open.

    Returns:
        np.ndarray: Shape (4,), int64.
    """
    hit, open_rays = (truth >= near) & (truth <= far), np.isnan(truth)
    depth, true = np.maximum(depths[hit], 1e-6), truth[hit]
    within = np.maximum(depth / true, true / depth) < 1.25
    return np.array([within.sum(), hit.sum(), (opacities[open_rays] >= 0.5).sum(), open_rays.sum()])


def percent(part: float, whole: float) -> float:
    """A part of a whole in percent; NaN of nothing."""
    return float(100 * part / whole) if whole else float('nan')


class RayTruth:
    """Rays of all cameras of a sample, ready to be rendered, and their depths in the label.

    Args:
        renderer (VolumeRenderingConnector): From :func:`build_renderer`.
        free_class (int): Id of free.
        height (int): Rows of rays per camera. Defaults to 24.
    """

    def __init__(self, renderer: VolumeRenderingConnector, free_class: int, height: int = 24) -> None:
        self.renderer, self.free_class, self.height = renderer, free_class, height
        self._last: tuple[dict, dict[str, Tensor], np.ndarray] | None = None

    def of(self, sample: dict) -> tuple[dict[str, Tensor], np.ndarray]:
        """Prepared rays and their true depths (R,); kept, for models see one sample after the other."""
        if self._last is None or self._last[0] is not sample:
            label, geometry = sample['data_samples'].gt_occ.numpy(), geometry_of(self.renderer)
            cameras = [camera_rays(sample, i, self.height) for i in range(len(sample['inputs']['cam2img']))]
            rays_o, rays_d = (torch.cat([rays[part] for rays, _ in cameras], 1) for part in ('rays_o', 'rays_d'))
            views = [label_view(label, self.free_class, *camera, geometry.grid) for camera in cameras]
            truth = np.concatenate([view.depths.ravel() for view in views])
            self._last = (sample, geometry.prepare(rays_o, rays_d), truth)
        return self._last[1:]

    def edges(self) -> Tensor:
        """Starts of the bins in metres of z-depth, then the end of the last. Shape (Q + 1,)."""
        starts, ends = edges(self.renderer)
        return torch.cat([starts, ends[-1:]])


def raise_free(logits: Tensor, amount: float) -> Tensor:
    """Logits (..., K) whose free logit, the last, is raised: more rays go through."""
    return torch.cat([logits[..., :-1], logits[..., -1:] + amount], dim=-1)


def render_depths(
    renderer: VolumeRenderingConnector, logits: Tensor, rays: dict[str, Tensor]
) -> tuple[dict[str, Tensor], Tensor]:
    """Render logits (1, X, Y, Z, K) along prepared rays.

    Returns:
        tuple[dict[str, Tensor], Tensor]: Output of the renderer, and the mean depth (R,), which counts a ray that does
        not end as ending at the far end of the samples.
    """
    rendered = renderer(logits, rays)
    return rendered, rendered['depths'][0] + (1 - rendered['opacities'][0]) * edges(renderer)[1][-1]


class RayDepthMeter:
    """Collects, model by model, where the rays of all cameras end.

    Args:
        rays (RayTruth): Rays of a sample and their true depths.
    """

    def __init__(self, rays: RayTruth) -> None:
        self.rays = rays
        self._found: dict[str, list[np.ndarray]] = {}

    def add(self, name: str, logits: Tensor, sample: dict) -> None:
        """Render the volume of a model, logits of shape (1, X, Y, Z, K), along the rays of a packed sample."""
        prepared, truth = self.rays.of(sample)
        rendered, depth = render_depths(self.rays.renderer, logits, prepared)
        opacity = rendered['opacities'][0]
        self._found.setdefault(name, []).append(np.stack([depth.numpy(), opacity.numpy(), truth]))

    def add_raised(self, name: str, logits: Tensor, sample: dict) -> None:
        """Render with the free logit raised by each of ``FREE_SHIFTS``, as a control for :meth:`best_raised`.

        A model that says "free" more often lets more rays through to where they should end, without knowing more.
        """
        for amount in FREE_SHIFTS:
            self.add(f'{name} + {amount}', raise_free(logits, amount), sample)

    def best_raised(self, name: str) -> str:
        """Name of the best of :meth:`add_raised`, chosen in hindsight by the rays within 25 %."""
        return max((f'{name} + {amount}' for amount in FREE_SHIFTS), key=lambda raised: self.score(raised).within)

    def counts(self, name: str) -> np.ndarray:
        """What each sample adds, :func:`count_rays`. Shape (samples, 4)."""
        return np.stack([count_rays(*found) for found in self._found[name]])

    def score(self, name: str) -> RayScores:
        """Scores of a model over all samples that were added."""
        return score_rays(*np.concatenate(self._found[name], axis=1))
