"""What only the study of occupancy (RadOcc) has: what it measures and what it draws.

X/Y/Z voxels, C classes.
"""

import argparse
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from mmengine.config import Config
from torch import Tensor

from projects.cli import ToolParser
from projects.engine import image_grid, import_modules_of
from projects.occupancy.views import draw_views
from projects.occupancy.visualization import draw_oblique
from projects.reporting import Comparison, Figure, Section, image_to_data_uri

from .measuring import build_dataset, measure
from .occupancy_controls import blank_images, frame_of_another_scene, swap_points
from .occupancy_gains import best_thresholds, occupancy_gains
from .occupancy_result import ALONE, NAMES, STUDENTS, OccupancyResult, loss_curves
from .occupancy_scores import OccupancyMeter, most_likely
from .pictures import draw_ray_distributions, draw_volumes
from .ray_depth import RayDepthMeter, RayTruth
from .renders import FINE_BINS, build_renderer, camera_rays, choose_rays, edges, geometry_of, label_view, render_views
from .study import Study
from .viewer import DrawnFrames

RENDER_HEIGHT = 90
DRAWN, SHOWN = (900, 1600), (slice(170, 730), slice(170, 1430))
"""Height and width in which a volume is drawn for the slider, and the rows and columns that hold what cameras see."""


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
        import_modules_of(config)
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
            if name in STUDENTS:
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
        raised = {name: self.meter.best_raised(name) for name in STUDENTS}
        measured = {**{name: name for name in self.runs}, **best_thresholds(raised, self.meter)}
        return OccupancyResult(
            {name: scores.pop(name) for name in self.runs},
            scores,
            {name: self.meter.score(found) for name, found in measured.items()},
            occupancy_gains(meters, self.meter, raised, list(self.scenes())),
            self.logs,
            self.args.label_part,
            f'{len(self.dataset)} held-out keyframes',
        )

    def curves(self) -> list[Figure]:
        """Losses and validations of the runs that are trained."""
        return loss_curves(self.logs)

    def scenes(self) -> Iterator[str]:
        """Scene of each held-out keyframe."""
        return (self.dataset.get_data_info(index)['scene_token'] for index in range(len(self.dataset)))

    def draw_frame(self, index: int) -> Section:
        """Pictures of one keyframe: cameras, volumes, and what two cameras see of them."""
        sample = self.dataset[index]
        meta, data = sample['data_samples'].metainfo, sample['data_samples']
        label, mask = data.gt_occ.numpy(), data.mask_camera.numpy()
        logits = {name: self.logits(name, sample) for name in self.logs}
        volumes = {name: most_likely(value) for name, (value, _) in logits.items()}
        shown = {'Label': label, **{NAMES[name]: volume for name, volume in volumes.items()}}
        images = [cv2.imread(path, cv2.IMREAD_COLOR)[..., ::-1] for path in meta['img_paths']]
        self._drawn.add(index, shown, mask)
        x0, y0, _, x1, y1, _ = self.dataset.spec.point_cloud_range
        cut = (
            f'Label and predictions from above (forward is up, {y1 - y0:.0f} x {x1 - x0:.0f} m) and in perspective, '
            'cut to the voxels the cameras see.'
        )
        figures: list[Figure | Comparison] = [
            Figure(image_to_data_uri(image_grid(images, meta['cam_names'], 3, 1260)), 'The six images.'),
            *self._compare(volumes, mask),
            Figure(image_to_data_uri(draw_volumes(shown, self.dataset.spec, mask)), cut),
        ]
        for camera in self.args.cameras:
            figures += self._draw_camera(sample, camera, {name: value for name, (_, value) in logits.items()})
        return Section(f'Keyframe {meta["token"][:8]} of {meta["scene_name"]}', figures=figures)

    def _compare(self, volumes: dict[str, np.ndarray], mask: np.ndarray) -> list[Comparison]:
        """The student alone and under the teacher, under one slider, when both are trained."""
        pair = ('baseline', 'radocc')
        if not set(pair) <= set(volumes):
            return []
        before, after = (
            image_to_data_uri(draw_oblique(volumes[name], self.dataset.spec, DRAWN, mask)[SHOWN]) for name in pair
        )
        return [Comparison(before, after, (NAMES['baseline'], NAMES['radocc']), 'What the cameras see, from behind.')]

    def write_beside(self) -> list[tuple[str, str]]:
        """The drawn keyframes in 3D."""
        return self._drawn.write(self.args.work_dir, 'Held-out keyframes of RadOcc on MiniDrive')

    def _draw_camera(self, sample: dict, camera: int, logits: dict[str, Tensor]) -> list[Figure]:
        """What one camera sees of the volumes, and where some of its rays end."""
        data, rays = sample['data_samples'], camera_rays(sample, camera, RENDER_HEIGHT)
        views = render_views(logits, *rays, self.renderer)
        truth = label_view(data.gt_occ.numpy(), self.free_class, *rays, geometry_of(self.renderer).grid)
        name = data.metainfo['cam_names'][camera]
        shown = {'Label': truth, **{NAMES[model]: view for model, view in views.items()}}
        caption = f'{name}: rendered depth (red near, blue 45 m, white: nothing hit) and rendered semantics.'
        figures = [Figure(image_to_data_uri(draw_views(shown, self.dataset.spec)), caption)]
        rays_shown = {'teacher', 'baseline'} <= set(views) and choose_rays(views['teacher'], views['baseline'], truth)
        if rays_shown:
            starts, ends = edges(self.renderer)
            middles = (0.5 * (starts + ends)).numpy()
            caption = (
                f'{name}: where rays end. In brackets the mean depth of each model. The rays are chosen by the teacher '
                'and the student alone, never by the distilled student.'
            )
            figures.append(Figure(draw_ray_distributions(views, NAMES, truth, rays_shown, middles), caption))
        return figures
