#!/usr/bin/env python
"""Train a model: python tools/train.py CONFIG [options]."""

import argparse
import os

import torch
from mmengine.config import DictAction
from mmengine.registry import RUNNERS

from projects.cli import ToolParser, run_tool
from projects.engine import (
    close_process_group,
    config_of_run,
    enable_amp,
    keep_freed_memory,
    log_traceback,
    share_with_workers,
)


def parse_args(argv=None):
    """Read the command line; flags are those of MMDetection3D."""
    parser = ToolParser(
        description='Train a model from a config, on CUDA or on the CPU. Logs, the merged config and checkpoints go to '
        'the work directory.',
        epilog='example: python tools/train.py configs/flashocc/CONFIG.py --amp --cfg-options train_cfg.max_epochs=12',
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go; default: work_dirs/<name of the config>')
    parser.add_argument(
        '--amp', action='store_true', help='mixed precision: bfloat16, or float16 with loss scaling on GPUs without it'
    )
    parser.add_argument(
        '--sync_bn',
        '--sync-bn',
        choices=['none', 'torch', 'mmcv'],
        default='none',
        help='turn BatchNorm into SyncBN (several GPUs only; ignored on the CPU)',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by (processes x batch size) / auto_scale_lr.base_batch_size',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CKPT',
        help='continue: from CKPT, or without a value from the newest whole checkpoint of the work directory',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change config values, e.g. optim_wrapper.optimizer.lr=1e-4 model.losses.loss_rdc.loss_weight=0.5',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='set by tools/dist_train.sh and tools/slurm_train.sh; default: none (one process)',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def load_config(args):
    """Merge config file and command line (the command line wins) and check the result."""
    cfg = config_of_run(args.config, args.cfg_options, args.work_dir, args.launcher)
    enable_amp(cfg.optim_wrapper, args.amp, torch.cuda.is_available())
    if args.sync_bn != 'none':
        cfg.sync_bn = args.sync_bn
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise SystemExit('--auto-scale-lr needs auto_scale_lr = dict(base_batch_size=N) in the config')
        cfg.auto_scale_lr.enable = True
    if args.resume == 'auto':
        cfg.resume = 'auto'  # SafeRunner decides, for all nodes
    elif args.resume is not None:
        cfg.resume, cfg.load_from = True, args.resume
    return cfg


def main():
    """Build the Runner and train."""
    cfg = load_config(parse_args())
    cfg.setdefault('runner_type', 'SafeRunner')
    if not torch.cuda.is_available():
        keep_freed_memory()
    runner = RUNNERS.build(cfg)
    share_with_workers()
    runner.train()
    close_process_group()


if __name__ == '__main__':
    raise SystemExit(run_tool(main, on_error=log_traceback))
