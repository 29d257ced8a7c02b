"""The page and the JSON of a study of many arms: scores, gains with their noise, and learning curves."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from projects.fileio import atomic_write
from projects.reporting import Figure, Page, Section, Table, format_table, line_chart

from .ablation import Ablation, Run
from .ablation_figures import Gains, gain_figures, score_picture, verdict
from .ablation_gains import Arms, gains_of_pairs, gains_over, measured, value_of
from .arm_task import METRIC, TASKS, ArmTask
from .curves import validation_figures
from .measuring import hardware
from .runs import has_run_log, read_run_log
from .statistics import holm
from .steps import write_json

PICTURED = 'Held-out scenes. Dots: seeds. Bars: their mean. Dashed: the mean of {}.'
STRONGEST = 'the strongest control of each metric'


def score_table(task: ArmTask, arms: Arms, seconds: Mapping[str, list[float]]) -> Table:
    """Mean and standard deviation over seeds of every metric."""
    rows = []
    for arm, runs in arms.items():
        cells = []
        for metric in task.metrics:
            values = [value_of(metric.name, sums) for sums in runs.values()]
            digits = metric.digits
            spread = f' ± {np.std(values, ddof=1):.{digits}f}' if len(values) > 1 else ''
            cells.append(f'{np.mean(values):.{digits}f}{spread}')
        rows.append([arm, str(len(runs)), f'{np.mean(seconds.get(arm, [np.nan])):.0f}', *cells])
    caption = (
        'Held-out scenes, mean and standard deviation over seeds. Seconds: training steps at the median CPU time of a '
        'step, all threads added up. "fitted": decision rules fitted on calibration scenes, the same procedure for '
        'every arm. ' + task.units
    )
    return Table(['arm', 'seeds', 'seconds', *(metric.name for metric in task.metrics)], rows, caption)


def gain_table(task: ArmTask, gains: Gains, control: str, one_question: bool = True) -> Table:
    """Gains over a control, with p over seeds and the interval over scenes.

    Where all rows ask one question, whether any arm gains, p is adjusted for their number (Holm).
    """
    tested = task.tested
    found = {metric: {arm: by_metric[metric].p_seeds for arm, by_metric in gains.items()} for metric in tested}
    adjusted = {metric: holm(values) for metric, values in found.items()} if one_question else found
    rows = []
    for arm, by_metric in gains.items():
        cells = []
        for metric in tested:
            gain, p = by_metric[metric], adjusted[metric][arm]
            digits = METRIC[metric].digits
            shown = '' if np.isnan(p) else f', p {p:.3f}'
            cells.append(f'{gain.mean:+.{digits}f} [{gain.low:+.{digits}f}, {gain.high:+.{digits}f}]{shown}')
        rows.append([arm, *cells])
    caption = (
        f'Gain over {control} with the same seeds; more is better, also for likelihoods and errors. In brackets: '
        '95 % over scenes (paired bootstrap). p: paired t-test over seeds, '
        f'{"adjusted for the number of arms (Holm)" if one_question else "each row for itself"}.'
    )
    return Table(['arm', *tested], rows, caption)


def curves(study: Ablation, setting: str, seed: int) -> list[Figure]:
    """Training loss of the task, and its score on calibration scenes, of the runs of one seed."""
    (loss, loss_label), (check, check_label) = TASKS[study.task].loss, TASKS[study.task].check
    logs = {}
    for run in [*study.teachers_of(setting), *(Run(setting, arm, seed) for arm in study.arms_of(setting))]:
        if study.trained_run(run) == run and has_run_log(study.folder(run)):
            logs[run.arm] = read_run_log(study.folder(run))
    losses = {arm: log.curve(loss) for arm, log in logs.items()}
    names = {arm: arm for arm in logs}
    return [
        Figure(line_chart(losses, 'training step', loss_label, log_y=True), 'Training loss.', False),
        *validation_figures(logs, names, check, check_label, 'Calibration scenes while training.'),
    ]


def write_study(study: Ablation) -> str:
    """Write ``study.json``, ``study.html`` and ``study.svg`` into the work directory from the scores that are there.

    ``study.svg`` is the picture of the first setting.

    Returns:
        str: The tables and where the page is, for the terminal.

    Raises:
        FileNotFoundError: If no run has been measured.
    """
    task = TASKS[study.task]
    sections, settings, tables, compared, pictures = [], {}, [], {}, []
    for setting in study.settings:
        arms = measured(study, setting)
        if not arms:
            continue
        seconds = {
            arm: [round(read_run_log(study.folder(Run(setting, arm, seed))).seconds(), 1) for seed in runs]
            for arm, runs in arms.items()
        }
        same_steps = gains_over(study.control, arms, study.controls, task.tested)
        compared[setting] = gains_over(None, arms, study.controls, task.tested)
        paired = gains_of_pairs(study.pairs, arms, task.tested)
        shown = [
            score_table(task, arms, seconds),
            gain_table(task, same_steps, repr(study.control)),
            gain_table(task, compared[setting], STRONGEST),
            gain_table(task, paired, 'the arm named second', one_question=False),
        ]
        shown = [table for table in shown if table.rows]
        tables += shown
        pictures.append(score_picture(arms, task.pictured, study.control))
        figures = [Figure(pictures[-1], PICTURED.format(study.control)), *curves(study, setting, study.seeds[0])]
        sections.append(Section(setting, tables=shown, figures=figures))
        tests = {'tests': same_steps, 'tests_strongest': compared[setting], 'tests_pairs': paired}
        settings[setting] = _setting_json(study, setting, arms, seconds, tests)
    if not settings:
        raise FileNotFoundError(f'{study.work_dir} has no scores yet')
    facts = {
        'study': str(study.path),
        'date': time.strftime('%Y-%m-%d'),
        'hardware': hardware(),
        'torch': torch.__version__,
        'data': f'MiniDrive {study.preset}, seed {study.data_seed}',
    }
    first, *others = settings
    lead = verdict(compared, task.main, STRONGEST, METRIC[task.main].digits)
    report = {**settings[first], 'others': {name: settings[name] for name in others}, 'verdict': lead, **facts}
    write_json(study.work_dir / 'study.json', {**report, 'config': study.student})
    if any(compared.values()):
        figures = gain_figures(compared, task.tested, STRONGEST)
        sections.insert(0, Section('Gains', ['Every arm takes the same steps on the same data.'], figures=figures))
    page = Page(study.title, lead, sections, list(facts.items())).to_html()
    for name, text in (('study.html', page), ('study.svg', pictures[0])):
        with atomic_write(study.work_dir / name, 'w') as file:
            file.write(text)
    return '\n\n'.join([*map(format_table, tables), lead, f'page: {(study.work_dir / "study.html").resolve()}'])


def _setting_json(
    study: Ablation,
    setting: str,
    arms: Arms,
    seconds: Mapping[str, list[float]],
    tests: Mapping[str, Gains],
) -> dict[str, Any]:
    """One setting: values of every metric in the order of the seeds, and the gains."""
    names = [metric.name for metric in TASKS[study.task].metrics]
    return {
        'setting': f'{setting}: {study.settings[setting] or "all labels"}',
        'arms': {
            arm: {
                'seeds': list(runs),
                'seconds': seconds[arm],
                'metrics': {m: [round(value_of(m, sums), 5) for sums in runs.values()] for m in names},
            }
            for arm, runs in arms.items()
        },
        **{name: _gains_json(gains) for name, gains in tests.items()},
    }


def _gains_json(gains: Gains) -> dict[str, Any]:
    return {arm: {metric: gain.as_json() for metric, gain in by_metric.items()} for arm, by_metric in gains.items()}
