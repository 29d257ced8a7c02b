#!/usr/bin/env python
"""Evaluate teacher, baseline and RadOcc student of one study on held-out scenes; write report.json and report.html."""

import time
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from tqdm import tqdm

from projects.cli import ToolParser, run_tool
from projects.engine import load_trained_model
from projects.fileio import read_json
from projects.radocc.report import (
    Predictor,
    RayDepthMeter,
    StudyResult,
    blank_images,
    build_dataset,
    build_page,
    camera_rays,
    choose_rays,
    describe_gain,
    draw_cameras,
    draw_ray_distributions,
    draw_views,
    draw_volumes,
    frame_of_another_scene,
    label_view,
    measure,
    most_likely,
    ray_table,
    render_views,
    result_table,
    swap_points,
)
from projects.rendering import VoxelGrid, uniform_samples
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

RUNS = ('teacher', 'baseline', 'radocc')
PACKAGES = ('torch', 'numpy', 'numba', 'mmengine', 'mmcv', 'mmdet', 'mmdet3d')
RENDER_HEIGHT = 90


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(description=__doc__)
    parser.add_argument(
        'work_dir', type=Path, help='folder with the runs teacher/, baseline/ and radocc/, and costs.json of the demo'
    )
    parser.add_argument('--teacher-config', required=True, help='config of the teacher')
    parser.add_argument('--student-config', required=True, help='config of the plain student')
    parser.add_argument('--radocc-config', required=True, help='config of the distilled student')
    parser.add_argument('--data-root', required=True, type=Path, help='data set with held-out scenes')
    parser.add_argument('--seed', type=int, default=0, help='seed of the runs, for the record')
    parser.add_argument('--frames', type=int, default=3, help='keyframes to draw, each of another scene (default 3)')
    parser.add_argument('--cameras', nargs='+', type=int, default=[1, 4], help='cameras to render (default: 1 4)')
    return parser.parse_args(argv)


def load_predictors(args):
    """Build the three models with their trained weights."""
    configs = {'teacher': args.teacher_config, 'baseline': args.student_config, 'radocc': args.student_config}
    return {name: Predictor(load_trained_model(configs[name], last_checkpoint(args.work_dir / name))) for name in RUNS}


def evaluate(dataset, predictors, meter):
    """Scores of the three models and of the two controls; the meter sees the volumes of the models."""
    others = {}

    def measured(name):
        def classes(sample, _):
            logits = predictors[name].logits(sample)
            meter.add(name, logits, sample)
            if name == 'baseline':
                meter.add_raised(name, logits, sample)
            return most_likely(logits)

        return classes

    def other_points(sample, index):
        other = frame_of_another_scene(dataset, index)
        if other not in others:
            others.clear()
            others[other] = dataset[other]
        return predictors['teacher'].classes(swap_points(sample, others[other]))

    predictions = {name: measured(name) for name in RUNS}
    predictions['baseline_blank_images'] = lambda sample, _: predictors['baseline'].classes(blank_images(sample))
    predictions['teacher_other_scene_lidar'] = other_points
    scores = measure(dataset, predictions, lambda indices: tqdm(indices, desc='held-out keyframes', unit='frame'))
    return {name: scores[name] for name in RUNS}, {name: scores[name] for name in scores if name not in RUNS}


def choose_frames(dataset, count):
    """Indices of keyframes of different scenes, spread over the data set."""
    first = {}
    for index in range(len(dataset)):
        first.setdefault(dataset.get_data_info(index)['scene_token'], index)
    indices = sorted(first.values())
    picks = np.unique(np.linspace(0, len(indices) - 1, min(count, len(indices))).round().astype(int))
    return [indices[pick] for pick in picks]


def draw_frame(dataset, index, predictors, grid, cameras, free_class, density):
    """Pictures of one keyframe as a section of the page."""
    sample = dataset[index]
    meta, data = sample['data_samples'].metainfo, sample['data_samples']
    label, mask = data.gt_occ.numpy(), data.mask_camera.numpy()
    logits = {name: predictors[name].logits(sample) for name in RUNS}
    volumes = {'label': label, **{name: most_likely(value) for name, value in logits.items()}}
    figures = [
        Figure(image_to_data_uri(draw_cameras(meta['img_paths'], meta['cam_names'])), 'The six images.'),
        Figure(
            image_to_data_uri(draw_volumes(volumes, mask)),
            'Label and predictions from above (forward is up) and in perspective, cut to the voxels the cameras see.',
        ),
    ]
    edges = uniform_samples()
    for camera in cameras:
        rays = camera_rays(sample['inputs'], meta['ori_shape'], camera, RENDER_HEIGHT)
        views = render_views(logits, rays, grid, edges, density)
        truth = label_view(label, free_class, rays, grid)
        name = meta['cam_names'][camera]
        picture = draw_views({'label': truth, **views}, dataset.spec.palette)
        caption = f'{name}: rendered depth (red near, blue 45 m, white: nothing hit) and rendered semantics.'
        figures.append(Figure(image_to_data_uri(picture), caption))
        chosen = choose_rays(views['teacher'], views['baseline'], truth)
        if chosen:
            chart = draw_ray_distributions(views, truth, chosen, 0.5 * (edges[0] + edges[1]).numpy())
            caption = (
                f'{name}: where rays end. In brackets the mean depth of each model. The rays are chosen by teacher and '
                'baseline alone, never by the distilled student.'
            )
            figures.append(Figure(chart, caption))
    return Section(f'Keyframe {meta["token"][:8]} of {meta["scene_name"]}', figures=figures)


def main():
    """Measure, draw, write, print."""
    args = parse_args()
    configs = {'teacher': args.teacher_config, 'baseline': args.student_config, 'radocc': args.radocc_config}
    try:
        predictors = load_predictors(args)
    except FileNotFoundError as error:
        raise SystemExit(f'error: {error}') from error
    config = Config.fromfile(args.teacher_config)
    dataset = build_dataset(config.val_dataloader.dataset, args.data_root, config.fusion_test_pipeline)
    radocc = Config.fromfile(args.radocc_config).model
    density = radocc.connectors.rendered.get('density', 'softplus_free')
    grid = VoxelGrid(dataset.spec.point_cloud_range, dataset.spec.grid_size)
    free_class = dataset.spec.free_class
    meter = RayDepthMeter(grid, radocc.shared.rays.geometry, density, free_class)
    scores, controls = evaluate(dataset, predictors, meter)

    costs = read_json(args.work_dir / 'costs.json')
    logs = {name: read_run_log(args.work_dir / name) for name in RUNS}
    facts = {
        'seed': str(args.seed),
        'date': time.strftime('%Y-%m-%d'),
        'hardware': f'{processor_name()}, {torch.get_num_threads()} threads, no GPU',
        'data': f'{args.data_root}: {len(dataset)} held-out keyframes',
        'configs': ', '.join(dict.fromkeys(configs.values())),
        'torch': torch.__version__,
        'time': ', '.join(f'{name} {cost["seconds"]:.0f} s' for name, cost in costs.items()),
    }
    result = StudyResult(
        scores,
        controls,
        {**{name: meter.score(name) for name in RUNS}, 'baseline_free_raised': meter.best_raised('baseline')},
        {name: logs[name].median_step_time() for name in RUNS},
        {name: costs[name]['peak_mb'] for name in RUNS},
        logs,
        facts,
        preset_warning(args.work_dir),
    )
    frames = tqdm(choose_frames(dataset, args.frames), desc='pictures', unit='frame')
    sections = [draw_frame(dataset, index, predictors, grid, args.cameras, free_class, density) for index in frames]
    report = {
        **result.as_json(),
        'config': configs,
        'seed': args.seed,
        'versions': package_versions(PACKAGES),
        'facts': result.facts,
        'warning': result.warning,
    }
    write_report(args.work_dir, report, build_page(result, sections))
    print()
    print(format_table(result_table(result), result.warning))
    print(format_table(ray_table(result), result.warning))
    print(describe_gain(result))
    print(f'report: {(args.work_dir / "report.html").resolve()}')


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
