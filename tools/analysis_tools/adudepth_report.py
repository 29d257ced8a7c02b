#!/usr/bin/env python
"""Evaluate teacher, control, both students and the per-pixel prior on held-out scenes; write report.json and .html."""

import time
from pathlib import Path

import cv2
import numpy as np
import torch
from mmdet3d.registry import DATASETS, METRICS
from mmengine.config import Config
from mmengine.logging import MMLogger
from tqdm import tqdm

from projects.adudepth.report import (
    NAMES,
    Predictor,
    StudyResult,
    build_page,
    calibrate,
    checks,
    describe_gain,
    mean_depth_map,
    measure,
    score_table,
    seed_table,
)
from projects.cli import ToolParser, run_tool
from projects.depth.visualization import colour_depth, colour_error, colour_scale
from projects.engine import image_grid, load_trained_model
from projects.fileio import read_json
from projects.reporting import (
    Figure,
    Section,
    format_table,
    image_to_data_uri,
    last_checkpoint,
    package_versions,
    preset_warning,
    processor_name,
    read_run_log,
    write_report,
)

RUNS = ('teacher', 'control', 'baseline', 'adudepth')
STUDENTS = ('baseline', 'adudepth')
PACKAGES = ('torch', 'numpy', 'numba', 'mmengine', 'mmcv', 'mmdet', 'mmdet3d')


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(description=__doc__)
    parser.add_argument(
        'work_dir', type=Path, help='folder with the runs teacher/, control/, baseline/, adudepth/ and costs.json'
    )
    parser.add_argument('--teacher-config', required=True, help='config of the stereo teacher')
    parser.add_argument('--control-config', required=True, help='config of the teacher with the left image twice')
    parser.add_argument('--student-config', required=True, help='config of the plain student')
    parser.add_argument('--adudepth-config', required=True, help='config of the distilled student')
    parser.add_argument('--data-root', required=True, type=Path, help='data set with held-out scenes')
    parser.add_argument('--seed', type=int, default=0, help='seed of the runs (default 0)')
    parser.add_argument(
        '--seeds', type=int, default=1, help='also read baseline-seedN/ and adudepth-seedN/ of later seeds (default 1)'
    )
    parser.add_argument('--frames', type=int, default=4, help='frames to draw, each of another drive (default 4)')
    return parser.parse_args(argv)


def load_predictors(args):
    """Build all trained models; students of further seeds are called ``<name>-seed<N>`` as their folders."""
    configs = {'teacher': args.teacher_config, 'control': args.control_config}
    names = [*RUNS, *(f'{name}-seed{seed}' for seed in further_seeds(args) for name in STUDENTS)]
    return {
        name: Predictor(
            load_trained_model(configs.get(name, args.student_config), last_checkpoint(args.work_dir / name))
        )
        for name in names
    }


def further_seeds(args):
    """Seeds after the first one."""
    return range(args.seed + 1, args.seed + args.seeds)


def build_dataset(loader, data_root, pipeline):
    """Build the data set of a loader with another root and pipeline, on pairs."""
    config = {**loader.dataset, 'data_root': str(data_root), 'pipeline': pipeline, 'stereo': True, 'test_mode': True}
    return DATASETS.build(config)


def choose_frames(dataset, count):
    """Indices of frames of different drives, spread over the data set."""
    first = {}
    for index in range(len(dataset)):
        first.setdefault(Path(dataset.get_data_info(index)['img_path']).parents[2].name, index)
    indices = sorted(first.values())
    picks = np.unique(np.linspace(0, len(indices) - 1, min(count, len(indices))).round().astype(int))
    return [indices[pick] for pick in picks]


def draw_frame(sample, predictors, prior):
    """Pictures of one frame as a section of the page: depth, error against the truth at hand, uncertainty."""
    data = sample['data_samples']
    truth = (data.gt_depth_dense if 'gt_depth_dense' in data else data.gt_depth).numpy()
    valid = (truth > 0) & (truth < 80)
    image = cv2.cvtColor(sample['inputs']['img'].numpy().transpose(1, 2, 0), cv2.COLOR_BGR2RGB)
    cells = [('left image', image), ('true depth', colour_depth(truth)), ('prior', colour_depth(prior))]
    for name in RUNS:
        depth, log_scale = predictors[name](sample)
        error = np.abs(depth - truth) / np.where(valid, truth, 1.0)
        cells.append((f'{name}: depth', colour_depth(depth)))
        cells.append((f'{name}: relative error', colour_error(error, valid)))
        cells.append((f'{name}: predicted scale', colour_scale(np.exp(log_scale))))
    caption = (
        'Depth: red 3 m, blue 80 m, equal ratios. Error: dark 0, bright 50 % and more, grey without truth. Scale of '
        'the log-depth error: dark 0, bright 0.5 and more.'
    )
    titles, pictures = zip(*cells)
    grid = image_grid(pictures, titles, 3, 1260)
    return Section(f'Frame {data.frame_id}', figures=[Figure(image_to_data_uri(grid), caption)])


def study(args, config, predictors):
    """Measure everything.

    Returns:
        tuple: The result, the held-out data set and the prior.
    """
    held_out = build_dataset(config.val_dataloader, args.data_root, config.test_pipeline)
    training = build_dataset(config.train_dataloader, args.data_root, config.test_pipeline)
    maps = (
        training[i]['data_samples'].gt_depth.numpy() for i in tqdm(range(len(training)), desc='prior', unit='frame')
    )
    prior = mean_depth_map(maps)
    predictions = {**predictors, 'prior': lambda _: (prior, None)}
    samples = (held_out[i] for i in tqdm(range(len(held_out)), desc='held-out frames', unit='frame'))
    found = measure(samples, predictions, lambda: METRICS.build(config.val_evaluator))
    costs = read_json(args.work_dir / 'costs.json')
    logs = {name: read_run_log(args.work_dir / name) for name in RUNS}
    seeds = {args.seed: {name: found.scores[name] for name in STUDENTS}}
    for seed in further_seeds(args):
        seeds[seed] = {name: found.scores[f'{name}-seed{seed}'] for name in STUDENTS}
    facts = {
        'seed': str(args.seed),
        'date': time.strftime('%Y-%m-%d'),
        'hardware': f'{processor_name()}, {torch.get_num_threads()} threads, no GPU',
        'data': f'{args.data_root}: {len(training)} training frames, {found.frames} held-out frames with truth',
        'configs': ', '.join([args.teacher_config, args.control_config, args.student_config, args.adudepth_config]),
        'torch': torch.__version__,
        'time': ', '.join(f'{name} {cost["seconds"]:.0f} s' for name, cost in costs.items()),
    }
    result = StudyResult(
        {name: found.scores[name] for name in NAMES},
        {name: found.dense[name] for name in NAMES if name in found.dense},
        {name: calibrate(found.scales[name], found.errors[name]) for name in RUNS},
        {name: logs[name].median_step_time() for name in RUNS},
        {name: costs[name]['peak_mb'] for name in RUNS},
        logs,
        seeds,
        facts,
        preset_warning(args.work_dir),
    )
    return result, held_out, prior


def main():
    """Measure, draw, write, print."""
    args = parse_args()
    # The metrics would log every table of every model.
    MMLogger.get_instance('adudepth_report', log_level='WARNING')
    try:
        predictors = load_predictors(args)
    except FileNotFoundError as error:
        raise SystemExit(f'error: {error}') from error
    result, held_out, prior = study(args, Config.fromfile(args.teacher_config), predictors)
    frames = tqdm(choose_frames(held_out, args.frames), desc='pictures', unit='frame')
    sections = [draw_frame(held_out[index], predictors, prior) for index in frames]
    report = {
        **result.as_json(),
        'config': {name: getattr(args, f'{name}_config') for name in ('teacher', 'control', 'student', 'adudepth')},
        'seed': args.seed,
        'versions': package_versions(PACKAGES),
        'facts': result.facts,
        'warning': result.warning,
    }
    write_report(args.work_dir, report, build_page(result, sections))
    print()
    print(format_table(score_table(result.scores, ''), result.warning))
    print()
    print(format_table(seed_table(result), result.warning))
    print(describe_gain(result))
    for name, share in checks(result).items():
        print(f'AbsRel: {name.replace("_", " ")} by {100 * share:.1f} %')
    print(f'report: {(args.work_dir / "report.html").resolve()}')


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
