"""Reports on the terminal and on disk."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from projects.fileio import atomic_write, list_names

_SHOWN_ERRORS = 20


def _number(value: float | None) -> str:
    return f'{"-":>9}' if value is None else f'{value:9.2f}'


def format_report(report: dict[str, Any]) -> str:
    """Table of a report: a row for each class, a column for each metric, the means below."""
    columns: dict[str, dict[str, float | None]] = {}
    means: dict[str, float | None] = {}
    if 'miou' in report:
        columns['IoU'] = report['miou']['per_class']
        means['mIoU'] = report['miou']['mean']
    if 'iou' in report:
        means['IoU (occupied)'] = report['iou']
    if 'fscore' in report:
        how = 'published arithmetic' if report['fscore']['official'] else 'index space'
        means[f'F-score < {report["fscore"]["threshold"]:g} m, {how}'] = report['fscore']['mean']
    if 'rayiou' in report:
        for metres, values in report['rayiou']['per_class_at'].items():
            columns[f'Ray@{metres}'] = values
            means[f'RayIoU@{metres}'] = report['rayiou'][metres]
        means['RayIoU'] = report['rayiou']['mean']
    lines = []
    if columns:
        names = list(next(iter(columns.values())))
        lines.append(f'{"class":<22}' + ''.join(f'{title:>9}' for title in columns))
        lines += [f'{name:<22}' + ''.join(_number(values[name]) for values in columns.values()) for name in names]
        lines.append('-' * len(lines[0]))
    lines += [f'{name:<42}{_number(value)}' for name, value in means.items()]
    lines.append(f'{report["frames"]} frames scored, {len(report["errors"])} errors; all numbers in percent')
    return '\n'.join(lines)


def format_errors(errors: list[dict[str, str]]) -> str:
    """One line for each error, at most twenty; the JSON file has all."""
    lines = [f'error: {error["token"]}: {error["error"]}' for error in errors[:_SHOWN_ERRORS]]
    if len(errors) > _SHOWN_ERRORS:
        lines.append(f'... and {len(errors) - _SHOWN_ERRORS} more errors')
    return '\n'.join(lines)


def extra_warnings(tokens: Sequence[str], source: str | os.PathLike) -> list[str]:
    """One warning for predictions that are left out, none if there are none.

    Args:
        tokens (Sequence[str]): Tokens of the predictions.
        source (str or PathLike): File or folder that says which tokens are scored.
    """
    if not tokens:
        return []
    return [
        f'{len(tokens)} predictions are left out, they are of no token that is evaluated (of {os.fspath(source)}): '
        f'{list_names(tokens, 5)}'
    ]


def write_report(report: dict[str, Any], path: str | os.PathLike) -> Path | None:
    """Write the JSON file and, beside it, a plot of the IoU of each class.

    Returns:
        Path | None: The plot, if there is something to plot.
    """
    with atomic_write(path, 'w') as file:
        json.dump(report, file, indent=1, allow_nan=False)
    series = {}
    if 'miou' in report:
        series['IoU'] = report['miou']['per_class']
    if 'rayiou' in report:
        series['RayIoU'] = report['rayiou']['per_class']
    if not series:
        return None
    picture = Path(path).with_suffix('.png')
    _plot(series, picture)
    return picture


def _plot(series: dict[str, dict[str, float | None]], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(next(iter(series.values())))
    figure = Figure(figsize=(8, 0.28 * len(names) * max(len(series), 1.3) + 1), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    height = 0.8 / len(series)
    for i, (title, values) in enumerate(series.items()):
        places = [row + (i - (len(series) - 1) / 2) * height for row in range(len(names))]
        numbers = [values[name] or 0.0 for name in names]
        axes.barh(places, numbers, height, label=title)
        for place, name in zip(places, names):
            value = values[name]
            text = 'absent' if value is None else f'{value:.1f}'
            axes.text((value or 0.0) + 1, place, text, va='center', fontsize=7)
    axes.set(yticks=range(len(names)), yticklabels=names, xlim=(0, 108), xlabel='percent')
    axes.invert_yaxis()
    axes.spines[['top', 'right']].set_visible(False)
    if len(series) > 1:
        axes.legend(loc='lower right', frameon=False)
    with atomic_write(path) as file:
        figure.savefig(file, format='png', dpi=120)
