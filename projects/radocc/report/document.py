"""The words, tables and charts of the report, built from measured numbers only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from projects.reporting import Figure, Page, RunLog, Section, Table, line_chart

from .ray_depth import FREE_SHIFTS, RayScores
from .study import Scores

NAMES = {'teacher': 'Teacher (LiDAR + cameras)', 'baseline': 'Student alone (cameras)', 'radocc': 'Student + RadOcc'}
CONTROL_NAMES = {
    'baseline_blank_images': 'Student alone, images blanked to grey',
    'teacher_other_scene_lidar': 'Teacher, LiDAR of another scene',
    'baseline_free_raised': 'Student alone, best threshold',
}
CONTROL_OF = {'baseline_blank_images': 'baseline', 'teacher_other_scene_lidar': 'teacher'}


@dataclass
class StudyResult:
    """All numbers of one study.

    Args:
        scores (dict[str, Scores]): ``teacher``, ``baseline``, ``radocc``.
        controls (dict[str, Scores]): ``baseline_blank_images``, ``teacher_other_scene_lidar``.
        rays (dict[str, RayScores]): Where rays end, by model, and for the control ``baseline_free_raised``.
        step_s (dict[str, float]): Median time of a training step in seconds, by model.
        peak_mb (dict[str, float]): Peak resident memory of the training process in MiB, by model.
        logs (dict[str, RunLog]): Training log, by model.
        facts (dict[str, str]): Seed, date, hardware, versions, data.
        warning (str): What must stand beside every number. Defaults to '' (nothing).
    """

    scores: dict[str, Scores]
    controls: dict[str, Scores]
    rays: dict[str, RayScores]
    step_s: dict[str, float]
    peak_mb: dict[str, float]
    logs: dict[str, RunLog]
    facts: dict[str, str] = field(default_factory=dict)
    warning: str = ''

    def as_json(self) -> dict:
        """Scores in percent and costs, as in ``report.json``."""
        results = {
            name: {
                **score.as_json(),
                'step_s': round(self.step_s[name], 4),
                'peak_mb': round(self.peak_mb[name], 1),
            }
            for name, score in self.scores.items()
        }
        losses = {
            name: {loss: [log.curve(loss)[1][0], log.curve(loss)[1][-1]] for loss in log.loss_names()}
            for name, log in self.logs.items()
        }
        controls = {name: score.as_json() for name, score in self.controls.items()}
        rays = {name: score.as_json() for name, score in self.rays.items()}
        return {'results': results, 'rays': rays, 'controls': controls, 'first_and_last_loss': losses}


def result_table(result: StudyResult) -> Table:
    """Scores and costs of the three models."""
    rows = []
    for name, score in result.scores.items():
        cost = [f'{result.step_s[name]:.2f}', f'{result.peak_mb[name]:.0f}']
        rows.append([NAMES[name], f'{score.miou:.2f}', f'{score.iou:.2f}', *cost])
    students = [row for row in range(len(rows)) if list(result.scores)[row] != 'teacher']
    best = max(students, key=lambda row: list(result.scores.values())[row].miou)
    return Table(
        ['model', 'mIoU (%)', 'IoU (%)', 'training step (s)', 'peak memory (MiB)'],
        rows,
        'Held-out scenes, voxels that the cameras see. mIoU: mean over the 17 semantic classes; IoU: occupied or not. '
        'Bold: the better student.',
        {(best, 1)},
    )


def ray_table(result: StudyResult) -> Table:
    """Where the rays of the cameras end, for the three models and the control."""
    rows = [
        [
            {**NAMES, **CONTROL_NAMES}[name],
            f'{score.within:.1f}',
            f'{score.median_error:.2f}',
            f'{score.rmse:.2f}',
            f'{score.false_ends:.1f}',
        ]
        for name, score in result.rays.items()
    ]
    students = [row for row, name in enumerate(result.rays) if name != 'teacher']
    best = max(students, key=lambda row: list(result.rays.values())[row].within)
    return Table(
        ['model', 'within 25 % (%)', 'median error (m)', 'RMSE (m)', 'open rays ended (%)'],
        rows,
        'Rays of all cameras through held-out scenes: rendered depth against the first occupied voxel of the label, '
        'from 1 to 40 m. RMSE grows with the rays that slip through holes. The control says "free" more often: its '
        f'free logit is raised by one of {", ".join(map(str, FREE_SHIFTS))}, whichever does most for it. What '
        'a student gains beyond that is more than a matter of threshold. Bold: the best student.',
        {(best, 1)},
    )


def control_table(result: StudyResult) -> Table:
    """Controls beside the score of the same model with its own input."""
    rows = [
        [CONTROL_NAMES[name], f'{score.miou:.2f}', f'{result.scores[CONTROL_OF[name]].miou:.2f}']
        for name, score in result.controls.items()
    ]
    return Table(['control', 'mIoU (%)', 'mIoU with the right input (%)'], rows)


def class_table(result: StudyResult) -> Table:
    """IoU of every class."""
    names = list(result.scores['teacher'].per_class)

    def cell(value: float) -> str:
        return '-' if np.isnan(value) else f'{value:.1f}'

    rows = [[name, *(cell(score.per_class[name]) for score in result.scores.values())] for name in names]
    caption = 'IoU in percent. A dash: the class is neither in the labels nor predicted.'
    return Table(['class', *(NAMES[name] for name in result.scores)], rows, caption)


def describe_gain(result: StudyResult) -> str:
    """The result in four sentences."""
    teacher, baseline, radocc = (result.scores[name] for name in ('teacher', 'baseline', 'radocc'))
    within = {name: f'{score.within:.1f} %' for name, score in result.rays.items()}
    gain = radocc.miou - baseline.miou
    verb = 'gained' if gain > 0 else 'lost'
    return (
        f'The camera student reached {baseline.miou:.2f} mIoU alone and {radocc.miou:.2f} under the teacher: it {verb} '
        f'{abs(gain):.2f} points, where the teacher leads by {teacher.miou - baseline.miou:.2f}. '
        f'Its geometric IoU is {baseline.iou:.2f} alone and {radocc.iou:.2f} under the teacher. '
        f'Of the rays of its cameras, {within["baseline"]} end within 25 % of the true depth alone and '
        f'{within["radocc"]} under the teacher, {within["teacher"]} in the teacher and '
        f'{within["baseline_free_raised"]} alone with the best threshold. '
        'This is one run with one seed, which cannot tell a small difference from noise.'
    )


def _loss_figures(logs: Mapping[str, RunLog]) -> list[Figure]:
    occupancy = {NAMES[name]: log.curve('loss_occ') for name, log in logs.items()}
    figures = [
        Figure(line_chart(occupancy, 'training step', 'cross-entropy of occupancy', log_y=True), 'Task loss.', False)
    ]
    distilled = logs['radocc']
    plain = set(logs['baseline'].loss_names())
    added = [name for name in distilled.loss_names() if name not in plain and name != 'loss']
    if added:
        chart = line_chart(
            {name: distilled.curve(name) for name in added}, 'training step', 'weighted loss', log_y=True
        )
        figures.append(Figure(chart, 'What RadOcc adds to the loss of the student.', False))
    validated = {
        NAMES[name]: ([r['step'] for r in records], [r['occ/mIoU'] for r in records])
        for name, log in logs.items()
        if (records := [record for record in log.validations if 'occ/mIoU' in record])
    }
    if validated:
        figures.append(Figure(line_chart(validated, 'epoch', 'mIoU (%)'), 'Held-out mIoU while training.', False))
    return figures


def build_page(result: StudyResult, frames: list[Section]) -> Page:
    """Put the report together.

    Args:
        result (StudyResult): The numbers.
        frames (list[Section]): One section of pictures per frame.
    """
    control_text = [
        'A student that only learned where roads usually are would score the same without seeing. A teacher that '
        'ignored its LiDAR would not notice that it belongs to another street. Both scores must fall far.'
    ]
    curve_text = ['Both students start from the same weights and see the same samples with the same augmentation.']
    return Page(
        'RadOcc on MiniDrive: did the camera student learn geometry from the LiDAR teacher?',
        describe_gain(result),
        [
            Section('Result', tables=[result_table(result), ray_table(result)]),
            Section('Controls', control_text, [control_table(result)]),
            Section('Curves', curve_text, figures=_loss_figures(result.logs)),
            *frames,
            Section('Every class', tables=[class_table(result)], collapsed=True),
        ],
        list(result.facts.items()),
        result.warning,
    )
