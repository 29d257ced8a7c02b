"""The words, tables and charts of the report, built from measured numbers only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from projects.reporting import Figure, Page, RunLog, Section, Table, line_chart

from .calibration import Calibration
from .figures import calibration_chart

NAMES = {
    'teacher': 'Teacher (stereo)',
    'control': 'Control: teacher, left image twice',
    'baseline': 'Student alone (one image)',
    'adudepth': 'Student + ADU-Depth',
    'prior': 'Prior: mean training depth of each pixel',
}
COLUMNS = {
    'abs_rel': 'AbsRel',
    'sq_rel': 'SqRel',
    'rmse': 'RMSE (m)',
    'rmse_log': 'RMSE log',
    'silog': 'SILog',
    'd1': 'd1',
    'd2': 'd2',
}
HIGHER_IS_BETTER = ('d1', 'd2', 'd3')
Scores = dict[str, float]


@dataclass
class StudyResult:
    """All numbers of one study.

    Args:
        scores (dict[str, Scores]): By model (see :data:`NAMES`), each metric by name.
        dense (dict[str, Scores]): The same against the dense truth; empty when there is none.
        calibrations (dict[str, Calibration]): By trained model.
        step_s (dict[str, float]): Median time of a training step in seconds, by trained model.
        peak_mb (dict[str, float]): Peak resident memory of the training process in MiB, by trained model.
        logs (dict[str, RunLog]): Training log, by trained model.
        seeds (dict[int, dict[str, Scores]]): Scores of ``baseline`` and ``adudepth`` by seed, the first one included.
        facts (dict[str, str]): Seed, date, hardware, versions, data.
        warning (str): What must stand beside every number. Defaults to '' (nothing).
    """

    scores: dict[str, Scores]
    dense: dict[str, Scores]
    calibrations: dict[str, Calibration]
    step_s: dict[str, float]
    peak_mb: dict[str, float]
    logs: dict[str, RunLog]
    seeds: dict[int, dict[str, Scores]]
    facts: dict[str, str] = field(default_factory=dict)
    warning: str = ''

    def as_json(self) -> dict:
        """Everything as plain data, as in ``report.json``."""
        results = {}
        for name, scores in self.scores.items():
            results[name] = {metric: round(float(value), 5) for metric, value in scores.items()}
            if name in self.step_s:
                results[name].update(step_s=round(self.step_s[name], 4), peak_mb=round(self.peak_mb[name], 1))
        losses = {
            name: {loss: [log.curve(loss)[1][0], log.curve(loss)[1][-1]] for loss in log.loss_names()}
            for name, log in self.logs.items()
        }
        return {
            'results': results,
            'dense_truth': {name: _rounded(scores) for name, scores in self.dense.items()},
            'calibration': {name: calibration.as_json() for name, calibration in self.calibrations.items()},
            'checks': checks(self),
            'seeds': {
                str(seed): {name: _rounded(scores) for name, scores in by_model.items()}
                for seed, by_model in self.seeds.items()
            },
            'first_and_last_loss': losses,
        }


def _rounded(scores: Mapping[str, float]) -> Scores:
    return {metric: round(float(value), 5) for metric, value in scores.items()}


def checks(result: StudyResult) -> dict[str, float]:
    """The comparisons that the study has to show, as shares of AbsRel; positive is good."""
    error = {name: scores['abs_rel'] for name, scores in result.scores.items()}
    return {
        'teacher_below_baseline': round(1 - error['teacher'] / error['baseline'], 4),
        'teacher_below_control': round(1 - error['teacher'] / error['control'], 4),
        'baseline_below_prior': round(1 - error['baseline'] / error['prior'], 4),
        'adudepth_below_baseline': round(1 - error['adudepth'] / error['baseline'], 4),
    }


def score_table(scores: Mapping[str, Scores], caption: str) -> Table:
    """Metrics of all models; the better student is bold."""
    rows = [[NAMES[name], *(f'{values[key]:.3f}' for key in COLUMNS)] for name, values in scores.items()]
    students = [row for row, name in enumerate(scores) if name in ('baseline', 'adudepth')]
    best = set()
    for column, key in enumerate(COLUMNS, 1):
        sign = -1 if key in HIGHER_IS_BETTER else 1
        best.add((min(students, key=lambda row: sign * list(scores.values())[row][key]), column))
    return Table(['model', *COLUMNS.values()], rows, caption, best)


def cost_table(result: StudyResult) -> Table:
    """Time and memory of the trainings."""
    rows = [[NAMES[name], f'{seconds:.2f}', f'{result.peak_mb[name]:.0f}'] for name, seconds in result.step_s.items()]
    return Table(['model', 'training step (s)', 'peak memory (MiB)'], rows)


def calibration_table(result: StudyResult) -> Table:
    """How well scales and errors go together."""
    rows = [
        [NAMES[name], f'{c.rank_correlation:.3f}', f'{c.mean_ratio:.2f}', f'{c.area_under_sparsification:.3f}']
        for name, c in result.calibrations.items()
    ]
    return Table(
        ['model', 'rank correlation', 'mean error / mean scale', 'sparsification (less is better)'],
        rows,
        'Held-out pixels with truth. Sparsification: mean error while the most uncertain pixels are removed, over the '
        'error of all; 1 is a scale that says nothing.',
    )


def seed_table(result: StudyResult) -> Table:
    """Both students for each seed, and mean and standard deviation over the seeds."""
    rows = []
    for seed, by_model in result.seeds.items():
        pair = [by_model[name]['abs_rel'] for name in ('baseline', 'adudepth')]
        rows.append([str(seed), *(f'{value:.4f}' for value in pair), f'{100 * (pair[1] / pair[0] - 1):+.1f} %'])
    if len(result.seeds) > 1:
        both = np.array([[m['baseline']['abs_rel'], m['adudepth']['abs_rel']] for m in result.seeds.values()])
        mean, std = both.mean(0), both.std(0, ddof=1)
        cells = [f'{m:.4f} ± {s:.4f}' for m, s in zip(mean, std)]
        rows.append(['mean', *cells, f'{100 * (mean[1] / mean[0] - 1):+.1f} %'])
    return Table(
        ['seed', 'AbsRel alone', 'AbsRel under the teacher', 'change'],
        rows,
        'The seed draws the weights and the order of training; data and teacher are the same. ± is the standard '
        'deviation over the seeds.',
    )


def describe_gain(result: StudyResult) -> str:
    """The result in a few sentences."""
    error = {name: scores['abs_rel'] for name, scores in result.scores.items()}
    change = 100 * (error['adudepth'] / error['baseline'] - 1)
    runs = len(result.seeds)
    basis = 'one run with one seed' if runs == 1 else f'seed {next(iter(result.seeds))}; all {runs} seeds are below'
    return (
        f'AbsRel on held-out scenes: student alone {error["baseline"]:.3f}, under the teacher {error["adudepth"]:.3f} '
        f'({change:+.1f} %), teacher {error["teacher"]:.3f}, teacher with the left image twice {error["control"]:.3f}, '
        f'per-pixel prior {error["prior"]:.3f}. This is {basis}, and a small difference may be noise.'
    )


def _loss_figures(logs: Mapping[str, RunLog]) -> list[Figure]:
    depth = {NAMES[name]: log.curve('loss_depth') for name, log in logs.items()}
    figures = [Figure(line_chart(depth, 'training step', 'SILog loss', log_y=True), 'Task loss.', False)]
    plain = set(logs['baseline'].loss_names())
    added = [name for name in logs['adudepth'].loss_names() if name not in plain]
    if added:
        chart = line_chart({name: logs['adudepth'].curve(name) for name in added}, 'training step', 'weighted loss')
        figures.append(
            Figure(chart, 'What ADU-Depth adds to the loss of the student; likelihoods may be negative.', False)
        )
    return figures


def build_page(result: StudyResult, frames: list[Section]) -> Page:
    """Put the report together.

    Args:
        result (StudyResult): The numbers.
        frames (list[Section]): One section of pictures per frame.
    """
    caption = (
        'Held-out scenes, Eigen metrics on the sparse truth inside the Garg crop, capped at 80 m, averaged over '
        'images. Bold: the better student.'
    )
    controls = [
        'The control has every parameter of the teacher but sees the left image twice: what separates them is stereo. '
        'The prior sees no image: what separates it from the student is what the student reads in the image.'
    ]
    tables = [score_table(result.scores, caption)]
    if result.dense:
        tables.append(score_table(result.dense, 'The same against the dense truth, which no training has seen.'))
    chart = calibration_chart(result.calibrations, NAMES)
    return Page(
        'ADU-Depth on MiniDrive: did the monocular student learn from the stereo teacher?',
        describe_gain(result),
        [
            Section('Result', controls, tables),
            Section('Both students, seed by seed', tables=[seed_table(result)]),
            Section(
                'Uncertainty',
                ['The students predict a scale per pixel; for a Laplace distribution it is the expected error.'],
                [calibration_table(result)],
                [Figure(chart, 'Twenty bins of pixels, sorted by predicted scale.', False)],
            ),
            Section(
                'Curves',
                ['Both students start from the same weights and see the same samples with the same augmentation.'],
                [cost_table(result)],
                _loss_figures(result.logs),
            ),
            *frames,
        ],
        list(result.facts.items()),
        result.warning,
    )
