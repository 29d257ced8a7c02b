"""What only the study of depth (ADU-Depth) has: what it measures and what it draws.

H x W images.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from mmdet3d.registry import METRICS
from mmengine.config import Config
from mmengine.logging import MMLogger
from tqdm import tqdm

from projects.cli import ToolParser
from projects.depth.visualization import colour_depth, colour_error, colour_scale, draw_depth_legend
from projects.engine import fit_width, image_grid, import_modules_of
from projects.reporting import Comparison, Figure, Section, image_to_data_uri

from .calibration import calibrate
from .depth_gains import depth_gains
from .depth_result import NAMES, STUDENTS, DepthResult, loss_curves
from .depth_scores import DepthMeter, mean_depth_map
from .measuring import build_dataset, measure
from .study import Study


class DepthStudy(Study):
    """Teacher, control, both students and the prior on held-out frames; see :class:`Study`."""

    runs = ('teacher', 'control', *STUDENTS)
    config_flags = {
        'teacher': 'config of the stereo teacher',
        'control': 'config of the teacher with the left image twice',
        'student': 'config of the plain student',
        'adudepth': 'config of the distilled student',
    }
    frames = (4, 'frames to draw, each of another drive (default 4)')

    def __init__(self, args: argparse.Namespace) -> None:
        # The metrics would log every table of every model.
        MMLogger.get_instance('adudepth_report', log_level='WARNING')
        super().__init__(args)
        config = Config.fromfile(args.teacher_config)
        import_modules_of(config)
        self.held_out, self.training = (
            build_dataset(loader.dataset, args.data_root, config.test_pipeline, stereo=True, **part)
            for loader, part in (
                (config.val_dataloader, {}),
                (config.train_dataloader, {'label_part': args.label_part}),
            )
        )
        self.make_metric = lambda: METRICS.build(config.val_evaluator)
        maps = (sample['data_samples'].gt_depth.numpy() for sample in tqdm(self.training, desc='prior', unit='frame'))
        self.prior = mean_depth_map(maps)

    @classmethod
    def parser(cls, description: str | None = None) -> ToolParser:
        """The command line."""
        parser = super().parser(description)
        parser.add_argument(
            '--seeds',
            type=int,
            default=1,
            help='also read baseline-seedN/ and adudepth-seedN/ of later seeds (default 1)',
        )
        return parser

    def further_seeds(self) -> range:
        """Seeds after the first one."""
        return range(self.args.seed + 1, self.args.seed + self.args.seeds)

    def models(self) -> list[str]:
        """All runs; students of further seeds are called ``<name>-seed<N>`` as their folders."""
        return [*self.runs, *(f'{name}-seed{seed}' for seed in self.further_seeds() for name in STUDENTS)]

    def maps(self, name: str, sample: dict) -> tuple[np.ndarray, np.ndarray]:
        """Depth in metres and log-scale that a model predicts for a packed sample, each (H, W)."""
        result = self.predictors[name].predict(sample)
        return result.pred_depth.numpy(), result.pred_log_scale.numpy()

    def measure(self) -> DepthResult:
        """Scores of all models, and how well their scales tell their errors."""
        predictions: dict[str, Callable] = {
            name: lambda sample, _, name=name: self.maps(name, sample) for name in self.predictors
        }
        predictions['prior'] = lambda sample, _: (self.prior, None)
        meters = measure(self.held_out, predictions, lambda: DepthMeter(self.make_metric))
        scores = {name: meter.scores() for name, meter in meters.items()}
        dense = {name: meters[name].dense_scores() for name in NAMES}
        runs = {self.args.seed: {name: name for name in STUDENTS}}
        for seed in self.further_seeds():
            runs[seed] = {name: f'{name}-seed{seed}' for name in STUDENTS}
        frames = meters['prior'].frames
        return DepthResult(
            {name: scores[name] for name in NAMES},
            {name: values for name, values in dense.items() if values is not None},
            {name: calibrate(*meters[name].scales_and_errors()) for name in self.runs},
            self.logs,
            {seed: {name: scores[run] for name, run in names.items()} for seed, names in runs.items()},
            depth_gains([{name: meters[run] for name, run in n.items()} for n in runs.values()], list(self.scenes())),
            self.args.label_part,
            f'{len(self.training)} training frames, {frames} held-out frames with truth',
        )

    def curves(self) -> list[Figure]:
        """Losses of the runs that are trained."""
        return loss_curves(self.logs)

    def scenes(self) -> Iterator[str]:
        """Drive of each held-out frame."""
        paths = (Path(self.held_out.get_data_info(index)['img_path']) for index in range(len(self.held_out)))
        return (path.parents[2].name for path in paths)

    def draw_frame(self, index: int) -> Section:
        """Pictures of one frame: depth, error against the truth at hand, uncertainty."""
        sample = self.held_out[index]
        data = sample['data_samples']
        truth = (data.gt_depth_dense if 'gt_depth_dense' in data else data.gt_depth).numpy()
        valid = (truth > 0) & (truth < 80)
        image = cv2.cvtColor(sample['inputs']['img'].numpy().transpose(1, 2, 0), cv2.COLOR_BGR2RGB)
        cells = [('left image', image), ('true depth', colour_depth(truth)), ('prior', colour_depth(self.prior))]
        errors = {}
        for name in self.logs:
            depth, log_scale = self.maps(name, sample)
            error = np.abs(depth - truth) / np.where(valid, truth, 1.0)
            errors[name] = colour_error(error, valid)
            cells.append((f'{NAMES[name]}: depth', colour_depth(depth)))
            cells.append((f'{NAMES[name]}: relative error', errors[name]))
            cells.append((f'{NAMES[name]}: predicted scale', colour_scale(np.exp(log_scale))))
        caption = (
            'The bars say what the colours mean: depth from red 3 m to blue 80 m in equal ratios, black without truth; '
            'relative error from dark 0 to bright 50 % and more, grey without truth; predicted scale of the log-depth '
            'error from dark 0 to bright 0.5 and more.'
        )
        titles, pictures = zip(*cells)
        grid = np.vstack([image_grid(pictures, titles, 3, 1260), draw_depth_legend(1260)])
        figures: list[Figure | Comparison] = [Figure(image_to_data_uri(grid), caption)]
        if set(STUDENTS) <= set(errors):
            before, after = (image_to_data_uri(fit_width(errors[name], 1260)) for name in STUDENTS)
            names = (NAMES['baseline'], NAMES['adudepth'])
            figures.append(Comparison(before, after, names, 'Relative error of the depth.'))
        return Section(f'Frame {data.frame_id}', figures=figures)
