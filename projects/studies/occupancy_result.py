"""What the study of occupancy (RadOcc) found: its numbers, its words and its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from projects.reporting import Figure, Page, Section, Table

from .curves import added_figures, task_figure, validation_figures
from .occupancy_scores import Scores
from .ray_depth import FREE_SHIFTS, RayScores
from .runs import COST_COLUMNS, RunLog
from .scene_gains import gain_figure, in_numbers, in_words
from .statistics import Gain
from .study import StudyResult

NAMES = {
    'teacher': 'Teacher (LiDAR + cameras)',
    'baseline': 'Student alone (cameras)',
    'labelled': 'Student alone, labels only',
    'radocc': 'Student under the teacher',
}
ALONE = ('baseline', 'labelled')
STUDENTS = (*ALONE, 'radocc')
CONTROL_NAMES = {
    'radocc_blank_images': 'Student under the teacher, images blanked to grey',
    'teacher_other_scene_lidar': 'Teacher, LiDAR of another scene',
    'alone_best_threshold': 'The better student alone, best threshold',
    'radocc_best_threshold': 'Student under the teacher, best threshold',
}
GAIN_NAMES = {
    'miou': 'mIoU',
    'iou': 'IoU',
    'within': 'rays within 25 %',
    'within_best': 'rays within 25 %,\nbest threshold each',
    'false_ends': 'fewer open rays end',
    'false_ends_best': 'fewer open rays end,\nbest threshold each',
}
"""Metrics whose gain under the teacher is told with its noise over scenes, in percentage points."""
CONTROL_OF = {'radocc_blank_images': 'radocc', 'teacher_other_scene_lidar': 'teacher'}
COMMANDS = [
    ('Is a gain of this size more than noise? Two seeds and two controls, within an hour:', 'make study'),
    ('The same data and trainings with another seed:', 'make demo SEED=1 WORK_DIR=work_dirs/demo-seed1'),
]
"""What a reader may run after the demo."""
WORDS = [
    ('mIoU (%)', 'Intersection over union (IoU) of predicted and true voxels of a class, mean over the 17 classes.'),
    ('IoU (%)', 'The same of occupied voxels, whatever their class.'),
    ('within 25 % (%)', 'Rays of cameras whose rendered depth is within a quarter of the true depth, 1 to 40 m.'),
    ('open rays ended (%)', 'Rays that meet nothing in the label and yet end in the prediction; less is better.'),
    ('free logit', 'The score of "this voxel is empty": its threshold decides how much of the world is filled.'),
    ('training step (s)', 'Median time of a step of the training; memory is the largest of the process.'),
]
"""What the numbers of the page are, for who meets them for the first time."""
SAME_STEPS = 'All students take the same number of steps.'


@dataclass
class OccupancyResult(StudyResult):
    """All numbers of one study.

    Args:
        scores (dict[str, Scores]): ``teacher``, ``baseline``, ``labelled``, ``radocc``.
        controls (dict[str, Scores]): ``radocc_blank_images``, ``teacher_other_scene_lidar``.
        rays (dict[str, RayScores]): Where rays end, by model, and at their best thresholds
            (``alone_best_threshold`` is of the better student alone).
        gains (dict[str, Gain]): Gain under the teacher over the best student alone, by name of :data:`GAIN_NAMES`.
        logs (dict[str, RunLog]): Logs and costs, by model.
        label_part (float): Part of the training scenes that had labels.
        data (str): What was measured on, for the reader. Defaults to ''.
    """

    scores: dict[str, Scores]
    controls: dict[str, Scores]
    rays: dict[str, RayScores]
    gains: dict[str, Gain]
    logs: dict[str, RunLog]
    label_part: float = 1.0
    data: str = ''

    def as_json(self) -> dict[str, Any]:
        """Scores in percent and costs, as in ``report.json``."""
        return {
            'results': {
                name: {**score.as_json(), **self.logs[name].costs_as_json()} for name, score in self.scores.items()
            },
            'rays': {name: score.as_json() for name, score in self.rays.items()},
            'gains': {name: gain.as_json() for name, gain in self.gains.items()},
            'controls': {name: score.as_json() for name, score in self.controls.items()},
            'first_and_last_loss': {name: log.losses_as_json() for name, log in self.logs.items()},
        }

    def main_tables(self) -> list[Table]:
        """The tables that the terminal shows as well."""
        return [result_table(self), ray_table(self)]

    def describe_gain(self) -> list[str]:
        """The result in five sentences, the answer first."""
        teacher, radocc = self.scores['teacher'], self.scores['radocc']
        best = max(ALONE, key=lambda name: self.scores[name].miou)
        within = {name: score.within for name, score in self.rays.items()}
        surfaces, classes = self.gains['within_best'], self.gains['miou']
        alone = max(within[name] for name in ALONE)
        half, full = self.scores['baseline'].miou, self.scores['labelled'].miou
        return [
            f'Under the teacher the camera student finds surfaces {in_words(surfaces)} '
            f'({in_numbers(surfaces, 1, " % of rays")}) and classes {in_words(classes, 2)} '
            f'({in_numbers(classes, 2, " mIoU")}) than the better of two students alone in the same number of steps: '
            f'{max(half, full):.2f} mIoU and {self.scores[best].iou:.2f} IoU alone, {radocc.miou:.2f} and '
            f'{radocc.iou:.2f} under the teacher, {teacher.miou:.2f} and {teacher.iou:.2f} for the teacher itself.',
            f'{100 * self.label_part:.0f} % of the training scenes had labels, the others gave images and LiDAR alone; '
            'the teacher came from another data set where all scenes have labels, as weights that one downloads.',
            'One student alone saw a labelled frame in half of its steps, as the one under the teacher did '
            f'({half:.2f} mIoU), the other in all of them ({full:.2f}).',
            f'Of the rays of the cameras, {alone:.1f} % end within 25 % of the true depth alone and '
            f'{within["radocc"]:.1f} % under the teacher, {within["alone_best_threshold"]:.1f} and '
            f'{within["radocc_best_threshold"]:.1f} % when each takes the threshold of "free" that does most for it.',
            'This is one run with one seed: docs/studies.md says how to tell a gain from noise.',
        ]

    def page(self, frames: list[Section]) -> Page:
        """The report, with one section of pictures per frame."""
        control_text = (
            'A student that only learned where roads usually are would score the same without seeing. A teacher that '
            'ignored its LiDAR would not notice that it belongs to another street. Both scores must fall far.'
        )
        sections = [
            Section('Result', tables=self.main_tables(), figures=[self._chart()]),
            Section('Controls', [control_text], [control_table(self)]),
            Section('Curves', [SAME_STEPS], figures=loss_curves(self.logs)),
            *frames,
            Section('Every class', tables=[class_table(self)], collapsed=True),
            Section('What the words mean', words=WORDS),
        ]
        title = 'RadOcc on MiniDrive: did the camera student learn geometry from the LiDAR teacher?'
        lead, *points = self.describe_gain()
        return Page(title, lead, sections, commands=COMMANDS, points=points)

    def _chart(self) -> Figure:
        return gain_figure({GAIN_NAMES[name]: gain for name, gain in self.gains.items()}, 'percentage points')


def loss_curves(logs: Mapping[str, RunLog]) -> list[Figure]:
    """Losses and validations of the runs that have logs."""
    return [
        task_figure(logs, NAMES, 'loss_occ', 'weighted cross-entropy (nats)'),
        *added_figures(logs, 'radocc', 'What the teacher adds to the loss of the student.', log_y=True),
        *validation_figures(logs, NAMES, 'occ/mIoU', 'mIoU (%)', 'Held-out mIoU while training.'),
    ]


def best_students(numbers: Mapping[str, Sequence[float]], signs: Sequence[int]) -> set[tuple[int, int]]:
    """Cells (row, column) of the best student in every column; 1 where more is better, -1 where less is.

    The teacher takes no part, and neither does NaN.
    """
    best = set()
    for column, sign in enumerate(signs):
        found = [
            (sign * values[column], row)
            for row, (name, values) in enumerate(numbers.items())
            if name != 'teacher' and not np.isnan(values[column])
        ]
        if found:
            best.add((max(found)[1], column + 1))
    return best


def result_table(result: OccupancyResult) -> Table:
    """Scores and costs of the models."""
    rows = [
        [NAMES[name], f'{score.miou:.2f}', f'{score.iou:.2f}', *result.logs[name].costs_as_text()]
        for name, score in result.scores.items()
    ]
    numbers = {name: (score.miou, score.iou) for name, score in result.scores.items()}
    return Table(
        ['model', 'mIoU (%)', 'IoU (%)', *COST_COLUMNS],
        rows,
        'Held-out scenes, voxels that the cameras see. mIoU: mean over the 17 semantic classes; IoU: occupied or not. '
        'Bold: the best student.',
        best_students(numbers, (1, 1)),
    )


def ray_table(result: OccupancyResult) -> Table:
    """Where the rays of the cameras end, for the models and the control."""
    names = {**NAMES, **CONTROL_NAMES}
    rows = [
        [names[name], f'{s.within:.1f}', f'{s.median_error:.2f}', f'{s.rmse:.2f}', f'{s.false_ends:.1f}']
        for name, s in result.rays.items()
    ]
    numbers = {name: (s.within, s.median_error, s.rmse, s.false_ends) for name, s in result.rays.items()}
    return Table(
        ['model', 'within 25 % (%)', 'median error (m)', 'RMSE (m)', 'open rays ended (%)'],
        rows,
        'Rays of all cameras through held-out scenes: rendered depth against the first occupied voxel of the label, '
        'from 1 to 40 m. All are rendered without the class weights of their training. RMSE grows with the rays that '
        f'slip through holes. At the best threshold the free logit is moved by one of '
        f'{", ".join(map(str, FREE_SHIFTS))}, whichever brings most rays of the student within 25 %, also at the price '
        'of open rays: what the teacher adds there is more than a threshold. '
        'Bold: the best student.',
        best_students(numbers, (1, -1, -1, -1)),
    )


def control_table(result: OccupancyResult) -> Table:
    """Controls beside the score of the same model with its own input."""
    rows = [
        [CONTROL_NAMES[name], f'{score.miou:.2f}', f'{result.scores[CONTROL_OF[name]].miou:.2f}']
        for name, score in result.controls.items()
    ]
    return Table(['control', 'mIoU (%)', 'mIoU with the right input (%)'], rows)


def class_table(result: OccupancyResult) -> Table:
    """IoU of every class."""
    names = list(result.scores['teacher'].per_class)

    def cell(value: float) -> str:
        return '-' if np.isnan(value) else f'{value:.1f}'

    rows = [[name, *(cell(score.per_class[name]) for score in result.scores.values())] for name in names]
    caption = 'IoU in percent. A dash: the class is neither in the labels nor predicted.'
    return Table(['class', *(NAMES[name] for name in result.scores)], rows, caption)
