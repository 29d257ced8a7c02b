"""Charts of the losses of a study."""

from collections.abc import Mapping
from typing import Any

from projects.reporting import Figure, line_chart, line_style

from .runs import RunLog

_PLACES = {'teacher': 0, 'radocc': 1, 'adudepth': 1, 'labelled': 2, 'control': 3, 'prior': 4, 'baseline': 11}
STYLES = {name: line_style(place) for name, place in _PLACES.items()}
"""Colour and dashes of each run, the same in all charts."""
LEAST_POINTS = 3
"""Fewer points show no curve."""
SAME_START = 'Both students start from the same weights and see the same samples with the same augmentation.'


def task_figure(logs: Mapping[str, RunLog], names: Mapping[str, str], loss: str, label: str) -> Figure:
    """One loss of all runs, each under its name."""
    curves = {names[name]: log.curve(loss) for name, log in logs.items()}
    chart = line_chart(curves, 'training step', label, log_y=True, styles=_styles(names))
    return Figure(chart, 'The loss of the task while training; less is better.', False)


def _styles(names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Styles of the runs of a demo, by what the reader knows them as; none where one is no run of a demo."""
    return {text: STYLES[name] for name, text in names.items()} if set(names) <= set(STYLES) else {}


def added_figures(logs: Mapping[str, RunLog], distilled: str, caption: str, log_y: bool = False) -> list[Figure]:
    """The losses of a run that ``baseline`` does not have; no figure when there are none, or one of both is missing."""
    if not {'baseline', distilled} <= set(logs):
        return []
    plain, distilled_log = logs['baseline'], logs[distilled]
    known = {'loss', *plain.loss_names()}
    added = [name for name in distilled_log.loss_names() if name not in known]
    if not added:
        return []
    curves = {name: distilled_log.curve(name) for name in added}
    return [Figure(line_chart(curves, 'training step', 'loss times its weight (no unit)', log_y=log_y), caption, False)]


def validation_figures(
    logs: Mapping[str, RunLog], names: Mapping[str, str], metric: str, label: str, caption: str
) -> list[Figure]:
    """A metric of the validations while training, of the runs that have three or more; no figure when none has."""
    curves = {}
    for name, log in logs.items():
        records = [record for record in log.validations if metric in record]
        if len(records) >= LEAST_POINTS:
            curves[names[name]] = ([record['step'] for record in records], [record[metric] for record in records])
    return [Figure(line_chart(curves, 'epoch', label, styles=_styles(names)), caption, False)] if curves else []
