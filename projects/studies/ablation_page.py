"""The page and the JSON of a study of many arms: scores, gains with their noise, and learning curves."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from projects.fileio import atomic_write
from projects.reporting import Figure, Page, Section, Table, format_table, line_chart

from .ablation import Ablation, Run
from .ablation_figures import gain_figures, score_picture
from .ablation_gains import Arms, gains_of_pairs, gains_over, measured, value_of
from .ablation_verdict import BEYOND_NOISE, Gains, p_text, verdict
from .arm_task import METRIC, TASKS, ArmTask
from .curves import validation_figures
from .measuring import hardware
from .runs import has_run_log, read_run_log
from .statistics import holm
from .steps import write_json

PICTURED = (
    'Held-out scenes. Each dot is one training with a seed of its own, each bar the mean of an arm, the dashed line '
    'that of the {}. The axes do not begin at zero.'
)
STRONGEST = 'the strongest control of each metric'


def score_table(study: Ablation, task: ArmTask, arms: Arms, seconds: Mapping[str, list[float]]) -> Table:
    """Mean and standard deviation over seeds of every metric."""
    rows = []
    for arm, runs in arms.items():
        cells = []
        for metric in task.metrics:
            values = [value_of(metric.name, sums) for sums in runs.values()]
            digits = metric.digits
            spread = f' ± {np.std(values, ddof=1):.{digits}f}' if len(values) > 1 else ''
            cells.append(f'{np.mean(values):.{digits}f}{spread}')
        rows.append([study.name_of(arm), str(len(runs)), f'{np.mean(seconds.get(arm, [np.nan])):.0f}', *cells])
    caption = (
        'Held-out scenes, mean ± standard deviation over seeds. CPU time: training steps at the median of a step, '
        'all threads added up. Fitted: with decision rules fitted on calibration scenes, the same procedure for '
        f'every arm. Less is better: {", ".join(metric.label for metric in task.metrics if metric.smaller_is_better)}.'
    )
    columns = [metric.column for metric in task.metrics]
    about = {**_about_arms(study, arms), **{metric.column: metric.about for metric in task.metrics}}
    return Table(['arm', 'seeds', 'CPU time (s)', *columns], rows, caption, about=about)


def _about_arms(study: Ablation, arms: Sequence[str] | Mapping[str, object]) -> dict[str, str]:
    """What the arms are that the study has words for, by what the page calls them."""
    return {study.name_of(arm): study.about(arm) for arm in arms if study.about(arm)}


def gain_table(study: Ablation, task: ArmTask, gains: Gains, control: str, one_question: bool = True) -> Table:
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
            shown = f'{gain.mean:+.{digits}f}\n[{gain.low:+.{digits}f}, {gain.high:+.{digits}f}]\n{p_text(p)}'
            cells.append(shown.rstrip())
        rows.append([study.name_of(arm), *cells])
    caption = (
        f'Gain over {control} with the same seeds; more is better, also for likelihoods and errors. In brackets: '
        '95 % over scenes (paired bootstrap). p: paired t-test over seeds, '
        f'{"adjusted for the number of arms (Holm)" if one_question else "each row for itself"}; none with one seed.'
    )
    about = {**_about_arms(study, gains), **{METRIC[name].gain_column: METRIC[name].about for name in tested}}
    return Table(['arm', *(METRIC[name].gain_column for name in tested)], rows, caption, about=about)


def curves(study: Ablation, setting: str, seed: int) -> list[Figure]:
    """Training loss of the task, and its score on calibration scenes, of the runs of one seed."""
    (loss, loss_label), (check, check_label) = TASKS[study.task].loss, TASKS[study.task].check
    logs = {}
    for run in [*study.teachers_of(setting), *(Run(setting, arm, seed) for arm in study.arms_of(setting))]:
        if study.trained_run(run) == run and has_run_log(study.folder(run)):
            logs[run.arm] = read_run_log(study.folder(run))
    names = {arm: study.name_of(arm) for arm in logs}
    losses = {names[arm]: log.curve(loss) for arm, log in logs.items()}
    of = f'of the training with seed {seed}'
    return [
        Figure(line_chart(losses, 'training step', loss_label, log_y=True), f'Loss {of}; less is better.', False),
        *validation_figures(logs, names, check, check_label, f'Score on calibration scenes {of}.'),
    ]


def trained_on(study: Ablation) -> str:
    """First and last day on which a run of the study was started, from the names of the folders of their logs."""
    folders = [folder.name for folder in study.work_dir.glob('*/*/seed*/*') if (folder / 'vis_data').is_dir()]
    days = sorted(f'{name[:4]}-{name[4:6]}-{name[6:8]}' for name in folders if re.fullmatch(r'\d{8}_\d{6}', name))
    return ' to '.join(dict.fromkeys([days[0], days[-1]])) if days else 'not recorded'


def first_screen(study: Ablation, compared: Mapping[str, tuple[Gains, Gains]], scenes: int) -> list[str]:
    """The answer in the first sentence, then how it stands against stronger controls, and how sure it is.

    Of settings after the first one only the harder comparison is told; the tables have both.

    Args:
        study (Ablation): The study.
        compared (Mapping[str, tuple[Gains, Gains]]): Gains over the control of the same steps and over the strongest
            control, by setting.
        scenes (int): Number of held-out scenes.
    """
    metric = METRIC[TASKS[study.task].main]
    alone, hard = f'the {study.name_of(study.control)} in the same steps', STRONGEST
    told = []
    for place, (setting, (over_alone, over_strongest)) in enumerate(compared.items()):
        pairs = [(over_alone, alone)] if place == 0 or len(study.controls) == 1 else []
        pairs += [(over_strongest, hard)] if len(study.controls) > 1 else []
        told += [verdict(study.name_of(setting), gains, metric, c, study.name_of) for gains, c in pairs if gains]
    measured_on = (
        'An arm is a way to train the same student: the same steps on the same data with the same seeds, unless its '
        f'name says otherwise. All are measured on {scenes} held-out scenes of MiniDrive, a generated data set: '
        'whether real data say the same is not known.'
    )
    return [*(told or ['No arm can be compared with a control yet.']), BEYOND_NOISE, measured_on]


def explain(study: Ablation, arms: Sequence[str]) -> Section:
    """What the words of the page mean: its arms and metrics."""
    settings = [(study.name_of(name), study.about(name)) for name in study.settings if study.about(name)]
    metrics = [
        (metric.column, f'{metric.about} {metric.direction.capitalize()}.') for metric in TASKS[study.task].metrics
    ]
    return Section('What the words mean', words=[*settings, *_about_arms(study, arms).items(), *metrics])


@dataclass
class _Measured:
    """What the page and the JSON have of one setting."""

    section: Section
    picture: str
    gains: tuple[Gains, Gains]
    arms: Arms
    json: dict[str, Any]


def _measure_setting(study: Ablation, setting: str, arms: Arms) -> _Measured:
    """Tables, picture, curves and gains of a setting of which runs have been measured."""
    task, control = TASKS[study.task], study.name_of(study.control)
    logs = {arm: [read_run_log(study.folder(Run(setting, arm, seed))) for seed in runs] for arm, runs in arms.items()}
    seconds = {arm: [round(log.seconds(), 1) for log in found] for arm, found in logs.items()}
    same_steps = gains_over(study.control, arms, study.controls, task.tested)
    strongest = gains_over(None, arms, study.controls, task.tested)
    paired = gains_of_pairs(study.pairs, arms, task.tested)
    tables = [score_table(study, task, arms, seconds), gain_table(study, task, same_steps, f'the {control}')]
    if len(study.controls) > 1:
        tables.append(gain_table(study, task, strongest, STRONGEST))
    tables.append(gain_table(study, task, paired, 'the arm named second', one_question=False))
    picture = score_picture(arms, [METRIC[name] for name in task.pictured], study.control, study.name_of)
    figures = [Figure(picture, PICTURED.format(control)), *curves(study, setting, study.seeds[0])]
    tables = [table for table in tables if table.rows]
    section = Section(_capital(study.name_of(setting)), tables=tables, figures=figures, figures_first=True)
    tests = {'tests': same_steps, 'tests_strongest': strongest, 'tests_pairs': paired}
    return _Measured(
        section, picture, (same_steps, strongest), arms, _setting_json(study, setting, arms, seconds, tests)
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def write_study(study: Ablation) -> str:
    """Write ``study.json``, ``study.html`` and ``study.svg`` into the work directory from the scores that are there.

    ``study.svg`` is the picture of the first setting.

    Returns:
        str: The tables and where the page is, for the terminal.

    Raises:
        FileNotFoundError: If no run has been measured.
    """
    found = {setting: measured(study, setting) for setting in study.settings}
    parts = {setting: _measure_setting(study, setting, arms) for setting, arms in found.items() if arms}
    if not parts:
        raise FileNotFoundError(f'{study.work_dir} has no scores yet')
    facts = {
        'study': str(study.path),
        'date': time.strftime('%Y-%m-%d'),
        'hardware': hardware(),
        'torch': torch.__version__,
        'data': f'MiniDrive {study.preset}, seed {study.data_seed}',
    }
    (_, first), *others = parts.items()
    scenes = max(len(sums['scenes']) for runs in first.arms.values() for sums in runs.values())
    lead, *points = first_screen(study, {setting: part.gains for setting, part in parts.items()}, scenes)
    told = ' '.join([lead, *points])
    report = {**first.json, 'others': {setting: part.json for setting, part in others}, 'verdict': told, **facts}
    write_json(study.work_dir / 'study.json', {**report, 'config': study.student})
    known = list(dict.fromkeys(arm for part in parts.values() for arm in part.arms))
    strongest = {setting: part.gains[1] for setting, part in parts.items()}
    sections = [*(part.section for part in parts.values()), *_gain_section(study, strongest), explain(study, known)]
    page = Page(study.title, lead, sections, _shown_facts(study, facts), points=points).to_html()
    for name, text in (('study.html', page), ('study.svg', first.picture)):
        with atomic_write(study.work_dir / name, 'w') as file:
            file.write(text)
    tables = [format_table(table) for section in sections for table in section.tables]
    return '\n\n'.join([*tables, told, f'page: {(study.work_dir / "study.html").resolve()}'])


def _gain_section(study: Ablation, settings: Mapping[str, Gains]) -> list[Section]:
    """Charts of the gains over the strongest control; none where nothing can be compared."""
    metrics = [METRIC[name] for name in TASKS[study.task].tested]
    alone = f'the {study.name_of(study.control)}'
    control = STRONGEST if len(study.controls) > 1 else alone
    figures = gain_figures(settings, metrics, control, study.name_of)
    harder = f'A harder test than over {alone}, whose gains are in the tables above.'
    return [Section(f'Gains over {control}', [harder] if control != alone else [], figures=figures)] if figures else []


def _shown_facts(study: Ablation, facts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Facts of the page: when the runs were trained stands beside when and where the page was made."""
    return [
        ('study', facts['study']),
        ('data', facts['data']),
        ('seeds', ', '.join(map(str, study.seeds))),
        ('student', study.student),
        ('trained', trained_on(study)),
        ('page made', f'{facts["date"]}, {facts["hardware"]}, torch {facts["torch"]}'),
    ]


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
