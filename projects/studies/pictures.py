"""Pictures of occupancy: volumes, rendered views and ray termination distributions. All pictures are RGB."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure as MplFigure

from projects.engine import add_title, fit_width
from projects.occupancy.classes import OccSpec
from projects.occupancy.views import MAX_DEPTH
from projects.occupancy.visualization import draw_bev, draw_legend, draw_oblique
from projects.rendering import RenderedView
from projects.reporting import figure_to_svg, hide_frame

from .curves import STYLES
from .renders import ChosenRay


def draw_volumes(volumes: Mapping[str, np.ndarray], spec: OccSpec, mask: np.ndarray, width: int = 1260) -> np.ndarray:
    """Volumes side by side, each from above and in perspective, cut to the voxels that the cameras see."""
    column = width // len(volumes)
    cells = []
    for name, volume in volumes.items():
        above = fit_width(draw_bev(volume, spec, mask=mask, scale=2), column)
        oblique = draw_oblique(volume, spec, size=(round(column * 0.72), column), mask=mask)
        cells.append(add_title(np.vstack([above, oblique]), name))
    picture = np.hstack(cells)
    return np.vstack([picture, draw_legend(picture.shape[1], spec)])


def draw_ray_distributions(
    views: Mapping[str, RenderedView],
    names: Mapping[str, str],
    label: RenderedView,
    rays: Sequence[ChosenRay],
    t_mids: np.ndarray,
) -> str:
    """Where each model thinks that a ray ends, in the kind of the paper's Fig. 3.

    Args:
        views (Mapping[str, RenderedView]): Model -> rendered view.
        names (Mapping[str, str]): Model -> what the reader knows it as.
        label (RenderedView): View of the label; its depth is drawn as a thin line.
        rays (Sequence[ChosenRay]): Pixels to draw.
        t_mids (np.ndarray): Middle of each sample in metres of z-depth. Shape (S,).

    Returns:
        str: Inline SVG with one panel per ray.
    """
    figure = MplFigure(figsize=(12.6, 2.9 * -(-len(rays) // 2)))
    for i, ray in enumerate(rays):
        axes = figure.add_subplot(-(-len(rays) // 2), 2, i + 1)
        for name, view in views.items():
            weights, depth = view.weights[ray.row, ray.column], view.depths[ray.row, ray.column]
            mean = 'passes' if np.isnan(depth) else f'{depth:.1f} m'
            axes.plot(t_mids, weights, label=f'{names[name]} ({mean})', linewidth=1.6, **STYLES[name])
        true_depth = label.depths[ray.row, ray.column]
        axes.axvline(true_depth, color='black', linewidth=0.8, label=f'Label ({true_depth:.1f} m)')
        axes.set_xlim(0, min(MAX_DEPTH, true_depth * 2 + 6))
        axes.set_title(f'pixel ({ray.column}, {ray.row}): {ray.reason}', fontsize=9)
        axes.set_xlabel('z-depth along the ray (m)', fontsize=8)
        axes.set_ylabel('part of the ray that ends there (share)', fontsize=8)
        axes.tick_params(labelsize=8)
        axes.legend(frameon=False, fontsize=8)
        hide_frame(axes)
    figure.tight_layout()
    return figure_to_svg(figure)
