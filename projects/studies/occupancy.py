"""What only the study of occupancy (RadOcc) has: its controls, tables, words and pictures.

X/Y/Z voxels, C classes.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config
from torch import Tensor

from projects.cli import ToolParser
from projects.engine import image_grid
from projects.occupancy.views import draw_views
from projects.reporting import Figure, Page, Section, Table, image_to_data_uri

from .curves import added_figures, task_figure, validation_figures
from .measuring import build_dataset, measure
from .occupancy_controls import blank_images, frame_of_another_scene, swap_points
from .occupancy_scores import OccupancyMeter, Scores, most_likely
from .pictures import draw_ray_distributions, draw_volumes
from .ray_depth import FREE_SHIFTS, RayDepthMeter, RayScores, RayTruth
from .renders import FINE_BINS, build_renderer, camera_rays, choose_rays, edges, geometry_of, label_view, render_views
from .runs import COST_COLUMNS, RunLog
from .study import Study, StudyResult
from .viewer import DrawnFrames

NAMES = {
    'teacher': 'Teacher (LiDAR + cameras)',
    'baseline': 'Student alone (cameras)',
    'labelled': 'Student alone, labelled scenes only',
    'radocc': 'Student + RadOcc',
}
ALONE = ('baseline', 'labelled')
CONTROL_NAMES = {
    'radocc_blank_images': 'Student + RadOcc, images blanked to grey',
    'teacher_other_scene_lidar': 'Teacher, LiDAR of another scene',
    'alone_free_raised': 'The better student alone, best threshold',
}
CONTROL_OF = {'radocc_blank_images': 'radocc', 'teacher_other_scene_lidar': 'teacher'}
RENDER_HEIGHT = 90
SAME_STEPS = 'All students take the same number of steps.'


@dataclass
class OccupancyResult(StudyResult):
    """All numbers of one study.

    Args:
        scores (dict[str, Scores]): ``teacher``, ``baseline``, ``labelled``, ``radocc``.
        controls (dict[str, Scores]): ``radocc_blank_images``, ``teacher_other_scene_lidar``.
        rays (dict[str, RayScores]): Where rays end, by model, and for the control ``alone_free_raised``.
        logs (dict[str, RunLog]): Logs and costs, by model.
        label_part (float): Part of the training scenes that had labels.
        data (str): What was measured on, for the reader. Defaults to ''.
    """

    scores: dict[str, Scores]
    controls: dict[str, Scores]
    rays: dict[str, RayScores]
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
            'controls': {name: score.as_json() for name, score in self.controls.items()},
            'first_and_last_loss': {name: log.losses_as_json() for name, log in self.logs.items()},
        }

    def main_tables(self) -> list[Table]:
        """The tables that the terminal shows as well."""
        return [result_table(self), ray_table(self)]

    def describe_gain(self) -> str:
        """The result in five sentences."""
        teacher, radocc = self.scores['teacher'], self.scores['radocc']
        best = max(ALONE, key=lambda name: self.scores[name].miou)
        gain, within = radocc.miou - self.scores[best].miou, {name: score.within for name, score in self.rays.items()}
        alone = max(within[name] for name in ALONE)
        everything, labelled = self.scores['baseline'].miou, self.scores['labelled'].miou
        return (
            f'Under the teacher the camera student {"gained" if gain > 0 else "lost"} {abs(gain):.2f} mIoU over the '
            f'better of two students alone, in the same number of steps: {max(everything, labelled):.2f} alone, '
            f'{radocc.miou:.2f} with RadOcc, {teacher.miou:.2f} for the teacher itself. '
            f'{100 * self.label_part:.0f} % of the training scenes had labels, for teacher and students alike; the '
            'others gave images and LiDAR alone. '
            f'One student alone saw all scenes, as the one under the teacher did ({everything:.2f}), the other one '
            f'labelled scenes only, for as many steps ({labelled:.2f}). '
            f'Geometric IoU is {self.scores[best].iou:.2f} alone and {radocc.iou:.2f} under the teacher; of the rays '
            f'of the cameras, {alone:.1f} % end within 25 % of the true depth alone, '
            f'{within["alone_free_raised"]:.1f} % with the best threshold, and {within["radocc"]:.1f} % under the '
            'teacher. This is one run with one seed: docs/studies.md says how to tell a gain from noise.'
        )

    def page(self, frames: list[Section]) -> Page:
        """The report, with one section of pictures per frame."""
        control_text = (
            'A student that only learned where roads usually are would score the same without seeing. A teacher that '
            'ignored its LiDAR would not notice that it belongs to another street. Both scores must fall far.'
        )
        logs = self.logs
        curves = [
            task_figure(logs, NAMES, 'loss_occ', 'cross-entropy of occupancy'),
            *added_figures(
                logs['baseline'], logs['radocc'], 'What RadOcc adds to the loss of the student.', log_y=True
            ),
            *validation_figures(logs, NAMES, 'occ/mIoU', 'mIoU (%)', 'Held-out mIoU while training.'),
        ]
        sections = [
            Section('Result', tables=self.main_tables()),
            Section('Controls', [control_text], [control_table(self)]),
            Section('Curves', [SAME_STEPS], figures=curves),
            *frames,
            Section('Every class', tables=[class_table(self)], collapsed=True),
        ]
        title = 'RadOcc on MiniDrive: did the camera student learn geometry from the LiDAR teacher?'
        return Page(title, self.describe_gain(), sections)


def result_table(result: OccupancyResult) -> Table:
    """Scores and costs of the models."""
    rows = [
        [NAMES[name], f'{score.miou:.2f}', f'{score.iou:.2f}', *result.logs[name].costs_as_text()]
        for name, score in result.scores.items()
    ]
    students = [row for row in range(len(rows)) if list(result.scores)[row] != 'teacher']
    best = max(students, key=lambda row: list(result.scores.values())[row].miou)
    return Table(
        ['model', 'mIoU (%)', 'IoU (%)', *COST_COLUMNS],
        rows,
        'Held-out scenes, voxels that the cameras see. mIoU: mean over the 17 semantic classes; IoU: occupied or not. '
        'Bold: the best student.',
        {(best, 1)},
    )


def ray_table(result: OccupancyResult) -> Table:
    """Where the rays of the cameras end, for the models and the control."""
    names = {**NAMES, **CONTROL_NAMES}
    rows = [
        [names[name], f'{s.within:.1f}', f'{s.median_error:.2f}', f'{s.rmse:.2f}', f'{s.false_ends:.1f}']
        for name, s in result.rays.items()
    ]
    students = [row for row, name in enumerate(result.rays) if name != 'teacher']
    best = max(students, key=lambda row: list(result.rays.values())[row].within)
    return Table(
        ['model', 'within 25 % (%)', 'median error (m)', 'RMSE (m)', 'open rays ended (%)'],
        rows,
        'Rays of all cameras through held-out scenes: rendered depth against the first occupied voxel of the label, '
        'from 1 to 40 m. All are rendered without the class weights of their training. RMSE grows with the rays that '
        f'slip through holes. The control moves its free logit by one of {", ".join(map(str, FREE_SHIFTS))}, whichever '
        'does most for it. A student that gains beyond that knows more than a threshold. Bold: the best student.',
        {(best, 1)},
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


class OccupancyStudy(Study):
    """Teacher, students alone and RadOcc student on held-out keyframes, with controls; see :class:`Study`."""

    runs = ('teacher', *ALONE, 'radocc')
    config_flags = {
        'teacher': 'config of the teacher',
        'student': 'config of the plain student',
        'radocc': 'config of the distilled student',
    }
    frames = (3, 'keyframes to draw, each of another scene (default 3)')

    def __init__(self, args: argparse.Namespace) -> None:
        super().__init__(args)
        config = Config.fromfile(args.teacher_config)
        sensors = {'use_camera': True, 'use_lidar': True}
        self.dataset = build_dataset(
            config.val_dataloader.dataset, args.data_root, config.fusion_test_pipeline, modality=sensors
        )
        self.free_class = self.dataset.spec.free_class
        self.meter = RayDepthMeter(RayTruth(build_renderer(args.radocc_config), self.free_class))
        self.renderer = build_renderer(args.radocc_config, FINE_BINS)
        self._other: tuple[int, dict] | None = None
        self._drawn = DrawnFrames(self.dataset)

    @classmethod
    def parser(cls, description: str | None = None) -> ToolParser:
        """The command line."""
        parser = super().parser(description)
        text = 'part of the training scenes that had labels, for the text (default 1)'
        parser.add_argument('--label-part', type=float, default=1.0, help=text)
        parser.add_argument('--cameras', nargs='+', type=int, default=[1, 4], help='cameras to render (default: 1 4)')
        return parser

    def logits(self, name: str, sample: dict) -> tuple[Tensor, Tensor]:
        """Class logits of a model, to predict, and without its class weights, to render. Shape (1, X, Y, Z, C) each."""
        outputs = self.predictors[name].outputs(sample)
        return outputs['occ_logits'].float(), outputs['calibrated_logits'].float()

    def _measured(self, name: str) -> Callable[[dict, int], np.ndarray]:
        """Prediction of a model whose rays are measured at the same time."""

        def classes(sample: dict, _: int) -> np.ndarray:
            logits, calibrated = self.logits(name, sample)
            self.meter.add(name, calibrated, sample)
            if name in ALONE:
                self.meter.add_raised(name, calibrated, sample)
            return most_likely(logits)

        return classes

    def _changed(self, name: str, change: Callable[[dict, int], dict]) -> Callable[[dict, int], np.ndarray]:
        """Prediction of a model for a changed sample."""
        return lambda sample, index: most_likely(self.logits(name, change(sample, index))[0])

    def _with_points_of_another_scene(self, sample: dict, index: int) -> dict:
        other = frame_of_another_scene(self.dataset, index)
        if self._other is None or self._other[0] != other:
            self._other = (other, self.dataset[other])
        return swap_points(sample, self._other[1])

    def measure(self) -> OccupancyResult:
        """Scores of the models and of the controls."""
        predictions = {name: self._measured(name) for name in self.runs}
        predictions['radocc_blank_images'] = self._changed('radocc', lambda sample, _: blank_images(sample))
        predictions['teacher_other_scene_lidar'] = self._changed('teacher', self._with_points_of_another_scene)
        classes = self.dataset.metainfo['classes']
        meters = measure(self.dataset, predictions, lambda: OccupancyMeter(classes, self.free_class))
        scores = {name: meter.scores() for name, meter in meters.items()}
        rays = {name: self.meter.score(name) for name in self.runs}
        return OccupancyResult(
            {name: scores.pop(name) for name in self.runs},
            scores,
            {**rays, 'alone_free_raised': max(map(self.meter.best_raised, ALONE), key=lambda score: score.within)},
            self.logs,
            self.args.label_part,
            f'{len(self.dataset)} held-out keyframes',
        )

    def scenes(self) -> Iterator[str]:
        """Scene of each held-out keyframe."""
        return (self.dataset.get_data_info(index)['scene_token'] for index in range(len(self.dataset)))

    def draw_frame(self, index: int) -> Section:
        """Pictures of one keyframe: cameras, volumes, and what two cameras see of them."""
        sample = self.dataset[index]
        meta, data = sample['data_samples'].metainfo, sample['data_samples']
        label, mask = data.gt_occ.numpy(), data.mask_camera.numpy()
        logits = {name: self.logits(name, sample) for name in self.runs}
        volumes = {'label': label, **{name: most_likely(value) for name, (value, _) in logits.items()}}
        images = [cv2.imread(path, cv2.IMREAD_COLOR)[..., ::-1] for path in meta['img_paths']]
        self._drawn.add(index, volumes, mask)
        cut = 'Label and predictions from above (forward is up) and in perspective, cut to the voxels the cameras see.'
        figures = [
            Figure(image_to_data_uri(image_grid(images, meta['cam_names'], 3, 1260)), 'The six images.'),
            Figure(image_to_data_uri(draw_volumes(volumes, self.dataset.spec, mask)), cut),
        ]
        for camera in self.args.cameras:
            figures += self._draw_camera(sample, camera, {name: value for name, (_, value) in logits.items()})
        return Section(f'Keyframe {meta["token"][:8]} of {meta["scene_name"]}', figures=figures)

    def write_beside(self) -> list[tuple[str, str]]:
        """The drawn keyframes in 3D."""
        return self._drawn.write(self.args.work_dir, 'Held-out keyframes of RadOcc on MiniDrive')

    def _draw_camera(self, sample: dict, camera: int, logits: dict[str, Tensor]) -> list[Figure]:
        """What one camera sees of the volumes, and where some of its rays end."""
        data, rays = sample['data_samples'], camera_rays(sample, camera, RENDER_HEIGHT)
        views = render_views(logits, *rays, self.renderer)
        truth = label_view(data.gt_occ.numpy(), self.free_class, *rays, geometry_of(self.renderer).grid)
        name = data.metainfo['cam_names'][camera]
        picture = draw_views({'label': truth, **views}, self.dataset.spec)
        caption = f'{name}: rendered depth (red near, blue 45 m, white: nothing hit) and rendered semantics.'
        figures = [Figure(image_to_data_uri(picture), caption)]
        chosen = choose_rays(views['teacher'], views['baseline'], truth)
        if chosen:
            starts, ends = edges(self.renderer)
            middles = (0.5 * (starts + ends)).numpy()
            caption = (
                f'{name}: where rays end. In brackets the mean depth of each model. The rays are chosen by teacher and '
                'baseline alone, never by the distilled student.'
            )
            figures.append(Figure(draw_ray_distributions(views, truth, chosen, middles), caption))
        return figures
