"""Pictures and charts of the report. All pictures are RGB uint8; H x W images."""

from collections.abc import Mapping, Sequence

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure as MplFigure

from projects.reporting import figure_to_svg

from .calibration import Calibration

MAX_ERROR = 0.5
MAX_SCALE = 0.5
COLOURS = {'teacher': '#2b8a3e', 'control': '#862e9c', 'baseline': '#868e96', 'adudepth': '#d9480f'}


def colour_depth(depth: np.ndarray, near: float = 3.0, far: float = 80.0) -> np.ndarray:
    """Depth in metres as colours in equal ratios, red near and blue far; black where there is none."""
    share = np.log(np.clip(depth, near, far) / near) / np.log(far / near)
    colours = matplotlib.colormaps['turbo_r'](share)[..., :3]
    colours[~(depth > 0)] = 0.0
    return (255 * colours).astype(np.uint8)


def colour_error(error: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Relative error from dark (0) to bright (50 % and more); grey where there is no truth."""
    colours = matplotlib.colormaps['inferno'](np.clip(error / MAX_ERROR, 0, 1))[..., :3]
    colours[~valid] = 0.35
    return (255 * colours).astype(np.uint8)


def colour_scale(scale: np.ndarray) -> np.ndarray:
    """Predicted scale of the log-depth error from dark (0) to bright (0.5 and more)."""
    return (255 * matplotlib.colormaps['inferno'](np.clip(scale / MAX_SCALE, 0, 1))[..., :3]).astype(np.uint8)


def _titled(picture: np.ndarray, title: str, width: int) -> np.ndarray:
    size = (width, round(width * picture.shape[0] / picture.shape[1]))
    bar = np.full((22, width, 3), 250, np.uint8)
    cv2.putText(bar, title, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack([bar, cv2.resize(picture, size, interpolation=cv2.INTER_AREA)])


def draw_grid(cells: Sequence[tuple[str, np.ndarray]], columns: int, width: int = 1260) -> np.ndarray:
    """Pictures of one size in rows, each with its title."""
    column = width // columns
    drawn = [_titled(np.ascontiguousarray(picture), title, column) for title, picture in cells]
    blank = np.full_like(drawn[0], 250)
    drawn += [blank] * (-len(drawn) % columns)
    return np.vstack([np.hstack(drawn[i : i + columns]) for i in range(0, len(drawn), columns)])


def calibration_chart(calibrations: Mapping[str, Calibration], names: Mapping[str, str]) -> str:
    """Measured error over predicted scale, with the diagonal of a calibrated prediction.

    Args:
        calibrations (Mapping[str, Calibration]): By model.
        names (Mapping[str, str]): Name of each model for the legend.

    Returns:
        str: Inline SVG.
    """
    figure = MplFigure(figsize=(6.4, 4.8))
    axes = figure.add_subplot()
    values = np.concatenate([np.concatenate([c.predicted, c.measured]) for c in calibrations.values()])
    low, high = max(values.min(), 1e-3) * 0.8, values.max() * 1.25
    axes.plot([low, high], [low, high], color='black', linestyle='--', linewidth=1, label='calibrated')
    for name, calibration in calibrations.items():
        label = f'{names[name]}, rank correlation {calibration.rank_correlation:.2f}'
        axes.plot(calibration.predicted, calibration.measured, 'o-', ms=3.5, color=COLOURS[name], label=label)
    axes.set_xscale('log')
    axes.set_yscale('log')
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_xlabel('predicted scale of the log-depth error')
    axes.set_ylabel('mean absolute log-depth error')
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8, loc='upper center', bbox_to_anchor=(0.5, -0.13), ncol=1)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
    return figure_to_svg(figure)
