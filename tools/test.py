#!/usr/bin/env python
"""Evaluate a checkpoint: python tools/test.py CONFIG CHECKPOINT [options]."""

import argparse
import math
import os

from mmengine.config import ConfigDict, DictAction
from mmengine.registry import RUNNERS

from projects.cli import ToolParser, run_tool
from projects.engine import close_process_group, config_of_run, display_problem, log_traceback, share_with_workers


def seconds(text):
    """Time of the command line."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f'must be 0 or a number of seconds, got {text}')
    return value


def parse_args(argv=None):
    """Read the command line; flags are those of MMDetection3D."""
    parser = ToolParser(
        description='Evaluate a checkpoint on the test set of a config, on CUDA or on the CPU.',
        epilog='example: python tools/test.py CONFIG.py work_dirs/x/epoch_24.pth --show-dir pictures '
        '--cfg-options test_evaluator.format_only=True test_evaluator.submission_dir=submission',
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='where logs and metrics go; default: work_dirs/<name of the config>')
    parser.add_argument('--show', action='store_true', help='show pictures of the predictions on the screen')
    parser.add_argument(
        '--show-dir', help='write pictures of the predictions to this directory, relative to the current one'
    )
    parser.add_argument(
        '--wait-time',
        type=seconds,
        metavar='S',
        help='seconds each picture is shown, 0 waits for the space bar; with --show; default: that of the hook (2)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change config values, e.g. test_dataloader.batch_size=1',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='set by tools/dist_test.sh and tools/slurm_test.sh; default: none (one process)',
    )
    parser.add_argument('--tta', action='store_true', help='test-time augmentation by tta_model and tta_pipeline')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.wait_time is not None and not args.show:
        parser.error('--wait-time is the time that --show shows a picture: give both')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def enable_drawing(cfg, args):
    """Switch the visualization hook of the config on; stop when there is no screen to show pictures on."""
    hook = cfg.get('default_hooks', {}).get('visualization')
    if hook is None:
        raise SystemExit(
            f'--show and --show-dir need a hook default_hooks.visualization in {args.config}, '
            "for instance dict(type='PredictionPictureHook')"
        )
    hook['draw'] = True
    if args.show:
        problem = display_problem()
        if problem:
            raise SystemExit(
                f'--show cannot open a window: {problem}. Write the pictures to files with --show-dir FOLDER instead'
            )
        hook['show'] = True
        if args.wait_time is not None:
            hook['wait_time'] = args.wait_time
    if args.show_dir:
        # Hooks of MMDetection3D would put a relative folder below <work_dir>/<timestamp>.
        hook['test_out_dir'] = os.path.abspath(args.show_dir)


def load_config(args):
    """Merge config file and command line (the command line wins) and check the result."""
    cfg = config_of_run(args.config, args.cfg_options, args.work_dir, args.launcher)
    cfg.load_from = args.checkpoint
    cfg.resume = False
    if args.show or args.show_dir:
        enable_drawing(cfg, args)
    if args.tta:
        if 'tta_model' not in cfg or 'tta_pipeline' not in cfg:
            raise SystemExit(f'--tta needs tta_model and tta_pipeline in {args.config}')
        cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
        cfg.model = ConfigDict(**cfg.tta_model, module=cfg.model)
    return cfg


def main():
    """Build the Runner and evaluate."""
    cfg = load_config(parse_args())
    cfg.setdefault('runner_type', 'SafeRunner')
    runner = RUNNERS.build(cfg)
    share_with_workers()
    runner.test()
    close_process_group()


if __name__ == '__main__':
    raise SystemExit(run_tool(main, on_error=log_traceback))
