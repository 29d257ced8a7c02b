"""Charts of the report."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure as MplFigure

from projects.reporting import figure_to_svg

from .calibration import Calibration

COLOURS = {'teacher': '#2b8a3e', 'control': '#862e9c', 'baseline': '#868e96', 'adudepth': '#d9480f'}


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
