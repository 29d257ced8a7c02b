"""Charts of the losses of a study."""

from collections.abc import Mapping

from projects.reporting import Figure, line_chart

from .runs import Training

COLOURS = {
    'teacher': '#2b8a3e',
    'control': '#862e9c',
    'baseline': '#868e96',
    'radocc': '#d9480f',
    'adudepth': '#d9480f',
}
"""Colour of each run in the charts."""
SAME_START = 'Both students start from the same weights and see the same samples with the same augmentation.'


def task_figure(trainings: Mapping[str, Training], names: Mapping[str, str], loss: str, label: str) -> Figure:
    """One loss of all runs, each under its name."""
    curves = {names[name]: training.log.curve(loss) for name, training in trainings.items()}
    return Figure(line_chart(curves, 'training step', label, log_y=True), 'Task loss.', False)


def added_figures(plain: Training, distilled: Training, caption: str, log_y: bool = False) -> list[Figure]:
    """The losses that only the distilled student has; no figure when there are none."""
    known = {'loss', *plain.log.loss_names()}
    added = [name for name in distilled.log.loss_names() if name not in known]
    if not added:
        return []
    curves = {name: distilled.log.curve(name) for name in added}
    return [Figure(line_chart(curves, 'training step', 'weighted loss', log_y=log_y), caption, False)]


def validation_figures(
    trainings: Mapping[str, Training], names: Mapping[str, str], metric: str, label: str, caption: str
) -> list[Figure]:
    """A metric of the validations while training; no figure when no run has it."""
    curves = {}
    for name, training in trainings.items():
        records = [record for record in training.log.validations if metric in record]
        if records:
            curves[names[name]] = ([record['step'] for record in records], [record[metric] for record in records])
    return [Figure(line_chart(curves, 'epoch', label), caption, False)] if curves else []
