"""What only the study of depth (ADU-Depth) has: its tables, words and pictures.

H x W images.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmdet3d.registry import METRICS
from mmengine.config import Config
from mmengine.logging import MMLogger
from tqdm import tqdm

from projects.cli import ToolParser
from projects.depth.visualization import colour_depth, colour_error, colour_scale
from projects.engine import fit_width, image_grid, import_modules_of
from projects.reporting import Comparison, Figure, Page, Section, Table, image_to_data_uri

from .calibration import Calibration, calibrate, calibration_chart
from .curves import SAME_START, added_figures, task_figure
from .depth_scores import DepthMeter, Scores, mean_depth_map
from .measuring import build_dataset, measure
from .runs import COST_COLUMNS, RunLog
from .study import Study, StudyResult

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
        data (str): What was measured on, for the reader. Defaults to ''.
    """

    scores: dict[str, Scores]
    dense: dict[str, Scores]
    calibrations: dict[str, Calibration]
    logs: dict[str, RunLog]
    seeds: dict[int, dict[str, Scores]]
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

    def describe_gain(self) -> str:
        """The result in a few sentences."""
        error = {name: scores['abs_rel'] for name, scores in self.scores.items()}
        change = 100 * (error['adudepth'] / error['baseline'] - 1)
        runs = len(self.seeds)
        basis = 'one run with one seed' if runs == 1 else f'seed {next(iter(self.seeds))}; all {runs} seeds are below'
        return (
            f'AbsRel on held-out scenes: student alone {error["baseline"]:.3f}, under the teacher '
            f'{error["adudepth"]:.3f} ({change:+.1f} %), teacher {error["teacher"]:.3f}, teacher with the left image '
            f'twice {error["control"]:.3f}, per-pixel prior {error["prior"]:.3f}. This is {basis}, and a small '
            'difference may be noise.'
        )

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
        sections = [
            Section('Result', [controls], results),
            Section('Both students, seed by seed', tables=[seeds]),
            Section('Uncertainty', [scale], [calibration_table(self)], [bins]),
            Section('Curves', [SAME_START], [cost_table(self)], loss_curves(self.logs)),
            *frames,
        ]
        title = 'ADU-Depth on MiniDrive: did the monocular student learn from the stereo teacher?'
        return Page(title, self.describe_gain(), sections, commands=COMMANDS)


def loss_curves(logs: Mapping[str, RunLog]) -> list[Figure]:
    """Losses of the runs that have logs."""
    added = 'What ADU-Depth adds to the loss of the student; likelihoods may be negative.'
    return [task_figure(logs, NAMES, 'loss_depth', 'SILog loss'), *added_figures(logs, 'adudepth', added)]


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
            build_dataset(loader.dataset, args.data_root, config.test_pipeline, stereo=True)
            for loader in (config.val_dataloader, config.train_dataloader)
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
        seeds = {self.args.seed: {name: scores[name] for name in STUDENTS}}
        for seed in self.further_seeds():
            seeds[seed] = {name: scores[f'{name}-seed{seed}'] for name in STUDENTS}
        frames = meters['prior'].frames
        return DepthResult(
            {name: scores[name] for name in NAMES},
            {name: values for name, values in dense.items() if values is not None},
            {name: calibrate(*meters[name].scales_and_errors()) for name in self.runs},
            self.logs,
            seeds,
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
            'Depth: red 3 m, blue 80 m, equal ratios. Error: dark 0, bright 50 % and more, grey without truth. Scale '
            'of the log-depth error: dark 0, bright 0.5 and more.'
        )
        titles, pictures = zip(*cells)
        grid = image_grid(pictures, titles, 3, 1260)
        figures: list[Figure | Comparison] = [Figure(image_to_data_uri(grid), caption)]
        if set(STUDENTS) <= set(errors):
            before, after = (image_to_data_uri(fit_width(errors[name], 1260)) for name in STUDENTS)
            names = (NAMES['baseline'], NAMES['adudepth'])
            figures.append(Comparison(before, after, names, 'Relative error of the depth.'))
        return Section(f'Frame {data.frame_id}', figures=figures)
