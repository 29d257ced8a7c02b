"""What the study of depth (ADU-Depth) found: its numbers, its words and its tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from projects.reporting import Figure, Page, Section, Table

from .calibration import Calibration, calibration_chart
from .curves import SAME_START, added_figures, task_figure
from .depth_scores import Scores
from .runs import COST_COLUMNS, RunLog
from .scene_gains import gain_figure, in_numbers, in_words
from .statistics import Gain
from .study import StudyResult

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
COMMANDS = [
    ('Is a gain of this size more than noise? Both students with three seeds:', 'make demo-depth SEEDS=3'),
    ('The method for occupancy, with LiDAR as the teacher:', 'make demo'),
]
"""What a reader may run after the demo."""
WORDS = [
    ('AbsRel', 'Error of the depth as a share of the true depth; less is better, as for all errors.'),
    ('SqRel', 'Squared error of the depth divided by the true depth, in metres.'),
    ('RMSE (m)', 'Root of the mean squared error of the depth.'),
    ('RMSE log, SILog', 'The same of the log of the depth; SILog forgives a common scale.'),
    ('d1, d2', 'Share of pixels within a factor of 1.25, or its square, of the true depth; more is better.'),
    ('predicted scale', 'The error of the log depth that a model expects of itself, pixel by pixel.'),
]
"""What the numbers of the page are, for who meets them for the first time."""
HIGHER_IS_BETTER = ('d1', 'd2', 'd3')
STUDENTS = ('baseline', 'adudepth')


@dataclass
class DepthResult(StudyResult):
    """All numbers of one study.

    Args:
        scores (dict[str, Scores]): By model (see :data:`NAMES`), each metric by name.
        dense (dict[str, Scores]): The same against the dense truth; empty when there is none.
        calibrations (dict[str, Calibration]): By trained model.
        logs (dict[str, RunLog]): Logs and costs, by trained model.
        seeds (dict[int, dict[str, Scores]]): Scores of ``baseline`` and ``adudepth`` by seed, the first one included.
        gains (dict[str, Gain]): Gain under the teacher in percent of the student alone, by metric of :data:`COLUMNS`.
        label_part (float): Part of the training drives whose LiDAR the students had. Defaults to 1.0.
        data (str): What was measured on, for the reader. Defaults to ''.
    """

    scores: dict[str, Scores]
    dense: dict[str, Scores]
    calibrations: dict[str, Calibration]
    logs: dict[str, RunLog]
    seeds: dict[int, dict[str, Scores]]
    gains: dict[str, Gain]
    label_part: float = 1.0
    data: str = ''

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data, as in ``report.json``."""
        results = _rounded(self.scores)
        for name, log in self.logs.items():
            results[name].update(log.costs_as_json())
        return {
            'results': results,
            'dense_truth': _rounded(self.dense),
            'calibration': {name: calibration.as_json() for name, calibration in self.calibrations.items()},
            'checks': checks(self),
            'seeds': {str(seed): _rounded(by_model) for seed, by_model in self.seeds.items()},
            'gains': {name: gain.as_json() for name, gain in self.gains.items()},
            'first_and_last_loss': {name: log.losses_as_json() for name, log in self.logs.items()},
        }

    def main_tables(self) -> list[Table]:
        """The tables that the terminal shows as well."""
        caption = (
            'Held-out scenes, Eigen metrics on the sparse truth inside the Garg crop, capped at 80 m, averaged over '
            'images. Bold: the better student.'
        )
        return [score_table(self.scores, caption), seed_table(self)]

    def remarks(self) -> list[str]:
        """The checks, for the terminal."""
        found = checks(self).items()
        return [f'AbsRel: {name.replace("_", " ")} by {100 * share:.1f} %' for name, share in found]

    def describe_gain(self) -> list[str]:
        """The result in five sentences, the answer first."""
        error = {name: scores['abs_rel'] for name, scores in self.scores.items()}
        change, gain = 100 * (error['adudepth'] / error['baseline'] - 1), self.gains['abs_rel']
        runs, first = len(self.seeds), next(iter(self.seeds))
        told = 'of AbsRel saved' if runs == 1 else f'of AbsRel saved, mean of {runs} seeds'
        basis = 'one run with one seed' if runs == 1 else f'seed {first}; all {runs} seeds are below'
        return [
            f'Under the teacher the student estimates depth {in_words(gain)} than alone '
            f'({in_numbers(gain, 1, f" % {told}")}).',
            f'AbsRel on held-out scenes: student alone {error["baseline"]:.3f}, under the teacher '
            f'{error["adudepth"]:.3f} ({change:+.1f} %), teacher {error["teacher"]:.3f}, teacher with the left image '
            f'twice {error["control"]:.3f}, per-pixel prior {error["prior"]:.3f}.',
            f'{100 * self.label_part:.0f} % of the training drives had LiDAR, the others two cameras alone; '
            'the teacher came from another data set where all drives have LiDAR, as weights that one downloads.',
            'The student alone saw frames with LiDAR in all of its steps, the one under the teacher in half of them.',
            f'This is {basis}, and a small difference may be noise.',
        ]

    def page(self, frames: list[Section]) -> Page:
        """The report, with one section of pictures per frame."""
        controls = (
            'The control has every parameter of the teacher but sees the left image twice: what separates them is '
            'stereo. The prior sees no image: what separates it from the student is what the student reads in the '
            'image.'
        )
        scale = 'The students predict a scale per pixel; for a Laplace distribution it is the expected error.'
        result, seeds = self.main_tables()
        dense = 'The same against the dense truth, which no training has seen.'
        results = [result, score_table(self.dense, dense)] if self.dense else [result]
        chart = calibration_chart(self.calibrations, NAMES)
        bins = Figure(chart, 'Twenty bins of pixels, sorted by predicted scale.', False)
        noise = gain_figure({COLUMNS[name]: gain for name, gain in self.gains.items()}, '% of the student alone')
        sections = [
            Section('Result', [controls], results, [noise]),
            Section('Both students, seed by seed', tables=[seeds]),
            Section('Uncertainty', [scale], [calibration_table(self)], [bins]),
            Section('Curves', [SAME_START], [cost_table(self)], loss_curves(self.logs)),
            *frames,
            Section('What the words mean', words=WORDS),
        ]
        title = 'ADU-Depth on MiniDrive: did the monocular student learn from the stereo teacher?'
        lead, *points = self.describe_gain()
        return Page(title, lead, sections, commands=COMMANDS, points=points)


def loss_curves(logs: Mapping[str, RunLog]) -> list[Figure]:
    """Losses of the runs that have logs."""
    added = 'What ADU-Depth adds to the loss of the student; likelihoods may be negative.'
    return [task_figure(logs, NAMES, 'loss_depth', 'SILog loss (no unit)'), *added_figures(logs, 'adudepth', added)]


def _rounded(scores: Mapping[str, Scores]) -> dict[str, Scores]:
    return {
        name: {metric: round(float(value), 5) for metric, value in values.items()} for name, values in scores.items()
    }


def checks(result: DepthResult) -> dict[str, float]:
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


def cost_table(result: DepthResult) -> Table:
    """Time and memory of the trainings."""
    rows = [[NAMES[name], *log.costs_as_text()] for name, log in result.logs.items()]
    return Table(['model', *COST_COLUMNS], rows)


def calibration_table(result: DepthResult) -> Table:
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


def seed_table(result: DepthResult) -> Table:
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
