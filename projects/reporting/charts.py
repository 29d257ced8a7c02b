"""Charts as inline SVG and bitmaps as data URIs, drawn with matplotlib and Pillow without a display."""

import base64
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from PIL import Image

COLOURS = ('#1f77d0', '#e8590c', '#0a8f7f', '#6a1b7a', '#8f2d00', '#22272c')
"""Told apart on white by readers without red or green cones as well."""
DASHES = ('-', '--', '-.', ':', (0, (7, 1.5, 1, 1.5, 1, 1.5)))
"""Line styles; their number and that of the colours have no common factor, so 30 lines differ in one or both."""
MARKERS = ('o', 's', '^', 'D', 'v')


def figure_to_svg(figure: MplFigure) -> str:
    """Write a matplotlib figure as an ``<svg>`` element; the same figure gives the same text.

    No two different figures have an id in common, so many can stand in one page.
    """
    buffer = io.StringIO()
    with matplotlib.rc_context({'svg.hashsalt': 'geodistill3d', 'svg.fonttype': 'none'}):
        figure.savefig(buffer, format='svg', bbox_inches='tight', metadata={'Date': None})
    text = buffer.getvalue()
    text = text[text.index('<svg') :]
    own, used = hashlib.sha256(text.encode()).hexdigest()[:8], set(re.findall(r'#([\w.-]+)["\')]', text))
    text = re.sub(r' id="([\w.-]+)"', lambda found: f' id="{found[1]}-{own}"' if found[1] in used else '', text)
    return re.sub(r'(href="|url\()#([\w.-]+)', rf'\1#\2-{own}', text)


def line_style(place: int) -> dict[str, Any]:
    """Colour and dashes of a line among many, so that no two of the first 30 look the same, and few in grey."""
    return {'color': COLOURS[place % len(COLOURS)], 'linestyle': DASHES[place % len(DASHES)]}


def hide_frame(axes: Axes) -> None:
    """Leave only the two axes of the box around a chart."""
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)


def legend_below(axes: Axes, width: int = 80) -> None:
    """Put the legend below the chart, where it covers nothing.

    Args:
        axes (Axes): A chart with at least one line that has a name.
        width (int): Letters that fit into a row. Defaults to 80.
    """
    handles, names = axes.get_legend_handles_labels()
    columns = max(1, min(len(names), width // (max(map(len, names), default=1) + 8)))
    axes.figure.legend(
        handles, names, frameon=False, fontsize=9, loc='upper center', ncols=columns, bbox_to_anchor=(0.5, 0.0)
    )


def _log_ticks(axes: Axes) -> None:
    """Ticks of a logarithmic y axis at 1, 2 and 5 of each decade, as plain numbers."""
    axes.set_yscale('log')
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
    axes.yaxis.set_minor_formatter(NullFormatter())


def line_chart(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x_label: str,
    y_label: str,
    title: str = '',
    log_y: bool = False,
    styles: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Draw lines over a common x axis.

    Args:
        series (Mapping[str, tuple]): Name of the line -> x values and y values of the same length.
        x_label (str): Name of the x axis with its unit.
        y_label (str): Name of the y axis with its unit.
        title (str): Title of the chart. Defaults to ''.
        log_y (bool): Whether the y axis is logarithmic. Defaults to False.
        styles (Mapping[str, Mapping], optional): Colour and dashes by the name of a line, as :func:`line_style` gives
            them. Defaults to those of its place.

    Returns:
        str: Inline SVG.
    """
    figure = MplFigure(figsize=(6.4, 3.4))
    axes = figure.add_subplot()
    for i, (name, (x, y)) in enumerate(series.items()):
        axes.plot(x, y, label=name, linewidth=1.6, **(styles or {}).get(name, line_style(i)))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_title(title, fontsize=11)
    if log_y:
        _log_ticks(axes)
    if all(float(value).is_integer() for x, _ in series.values() for value in x):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    hide_frame(axes)
    figure.tight_layout()
    if series:
        legend_below(axes)
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
        style: dict[str, Any] = {'fmt': MARKERS[i % len(MARKERS)], 'color': COLOURS[i % len(COLOURS)]}
        axes.errorbar(middle, places, xerr=np.maximum(errors, 0), ms=5, label=name, **style)
    axes.axvline(0, color=COLOURS[5], linewidth=0.8)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(x_label)
    axes.set_title(title, fontsize=11)
    axes.grid(alpha=0.25, axis='x')
    hide_frame(axes)
    figure.tight_layout()
    if len(series) > 1:
        legend_below(axes)
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
