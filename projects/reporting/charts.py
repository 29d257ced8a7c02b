"""Charts as inline SVG and bitmaps as data URIs, drawn with matplotlib and Pillow without a display."""

import base64
import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from PIL import Image

COLOURS = ('#0b6bcb', '#d9480f', '#2b8a3e', '#862e9c', '#c2a000', '#495057')


def figure_to_svg(figure: MplFigure) -> str:
    """Write a matplotlib figure as an ``<svg>`` element; the same figure gives the same text."""
    buffer = io.StringIO()
    with matplotlib.rc_context({'svg.hashsalt': 'geodistill3d', 'svg.fonttype': 'none'}):
        figure.savefig(buffer, format='svg', bbox_inches='tight', metadata={'Date': None})
    text = buffer.getvalue()
    return text[text.index('<svg') :]


def hide_frame(axes: Axes) -> None:
    """Leave only the two axes of the box around a chart."""
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)


def line_chart(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x_label: str,
    y_label: str,
    title: str = '',
    log_y: bool = False,
) -> str:
    """Draw lines over a common x axis.

    Args:
        series (Mapping[str, tuple]): Name of the line -> x values and y values of the same length.
        x_label (str): Name of the x axis with its unit.
        y_label (str): Name of the y axis with its unit.
        title (str): Title of the chart. Defaults to ''.
        log_y (bool): Whether the y axis is logarithmic. Defaults to False.

    Returns:
        str: Inline SVG.
    """
    figure = MplFigure(figsize=(6.4, 3.4))
    axes = figure.add_subplot()
    for i, (name, (x, y)) in enumerate(series.items()):
        axes.plot(x, y, label=name, color=COLOURS[i % len(COLOURS)], linewidth=1.6)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_title(title, fontsize=11)
    if log_y:
        axes.set_yscale('log')
    axes.grid(alpha=0.25)
    hide_frame(axes)
    if series:
        axes.legend(frameon=False, fontsize=9)
    return figure_to_svg(figure)


def interval_chart(
    series: Mapping[str, Mapping[str, tuple[float, float, float]]], x_label: str, title: str = ''
) -> str:
    """Draw values with their intervals, one row for each name, one colour for each series, and a line at zero.

    Args:
        series (Mapping[str, Mapping]): Name of the series -> name of the row -> value, low end, high end.
        x_label (str): What the values are, with their unit.
        title (str): Title of the chart. Defaults to ''.

    Returns:
        str: Inline SVG.
    """
    rows = list(dict.fromkeys(row for values in series.values() for row in values))
    figure = MplFigure(figsize=(6.4, 1.2 + 0.18 * len(rows) * (1 + len(series))))
    axes = figure.add_subplot()
    for i, (name, values) in enumerate(series.items()):
        offset = 0.6 * ((i + 0.5) / len(series) - 0.5)
        places = [rows.index(row) + offset for row in values]
        middle, low, high = np.array(list(values.values()), float).reshape(-1, 3).T
        errors = [middle - low, high - middle]
        axes.errorbar(
            middle, places, xerr=np.maximum(errors, 0), fmt='o', ms=4, label=name, color=COLOURS[i % len(COLOURS)]
        )
    axes.axvline(0, color='#495057', linewidth=0.8)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(x_label)
    axes.set_title(title, fontsize=11)
    axes.grid(alpha=0.25, axis='x')
    hide_frame(axes)
    if len(series) > 1:
        axes.legend(frameon=False, fontsize=9)
    return figure_to_svg(figure)


def seed_chart(panels: Mapping[str, Mapping[str, Sequence[float]]], control: str) -> str:
    """Draw every value as a dot and their mean as a bar across them, one row for each name, one panel for each metric.

    Args:
        panels (Mapping[str, Mapping]): What the panel shows, with its unit -> name of the row -> values.
        control (str): Row whose mean is drawn through all rows.

    Returns:
        str: Inline SVG, complete enough to stand in a file of its own.
    """
    rows = list(dict.fromkeys(row for values in panels.values() for row in values))
    figure = MplFigure(figsize=(1.6 + 3.4 * len(panels), 0.7 + 0.26 * len(rows)), layout='constrained')
    for axes, (label, values) in zip(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels.items()):
        for row, found in values.items():
            place, colour = rows.index(row), COLOURS[5] if row == control else COLOURS[0]
            axes.plot(found, [place] * len(found), 'o', ms=5, color=colour, alpha=0.5, markeredgewidth=0)
            axes.plot(np.mean(found), place, '|', ms=13, color=colour, markeredgewidth=2.2)
        if control in values:
            axes.axvline(float(np.mean(values[control])), color=COLOURS[5], linewidth=0.8, linestyle='--')
        axes.set_xlabel(label)
        axes.set_yticks(range(len(rows)), rows)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(alpha=0.25, axis='x')
        hide_frame(axes)
    return figure_to_svg(figure)


def image_to_data_uri(image: np.ndarray, quality: int = 85, lossless: bool = False) -> str:
    """Encode a picture for use inside an HTML page.

    Args:
        image (np.ndarray): RGB picture of shape (H, W, 3), uint8.
        quality (int): JPEG quality. Defaults to 85.
        lossless (bool): Write PNG instead of JPEG. Defaults to False.

    Raises:
        ValueError: If ``image`` is not an RGB picture of bytes.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f'image must be uint8 of shape (H, W, 3), got {image.dtype} of shape {image.shape}')
    buffer = io.BytesIO()
    if lossless:
        Image.fromarray(image).save(buffer, format='PNG', optimize=True)
    else:
        Image.fromarray(image).save(buffer, format='JPEG', quality=quality)
    kind = 'png' if lossless else 'jpeg'
    return f'data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}'
