#!/usr/bin/env python
"""Latency, frames per second, peak memory and size of the model of a config: benchmark.py CONFIG [options].

One sample at a time, forward pass only, as tables of occupancy papers have them: from images (and points) on the
device to the prediction, without loading and post-processing of files. Of a distillation config the student is
measured; the teacher is neither built nor counted.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import DictAction
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from ops_benchmarks.machine import describe, peak_memory_mb

from projects.cli import ToolParser, run_tool
from projects.engine import (
    atomic_write,
    device_problem,
    load_plain_weights,
    naming_config_keys,
    plain_model,
    read_config,
)


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of a model or of a distillation')
    parser.add_argument('--checkpoint', help='weights; speed does not depend on them (default: random weights)')
    parser.add_argument('--num-iters', type=int, default=50, help='timed passes (default: 50)')
    parser.add_argument('--num-warmup', type=int, default=5, help='passes before (default: 5)')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--bf16', action='store_true', help='run under bfloat16 autocast')
    parser.add_argument('--json', type=Path, metavar='F', help='write the result to a file')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change config values')
    args = parser.parse_args(argv)
    if args.num_iters < 1 or args.num_warmup < 0:
        parser.error('--num-iters must be at least 1 and --num-warmup at least 0')
    check_device(parser, args.device)
    return args


def check_device(parser, name):
    """Refuse a device that this machine or this build of torch lacks."""
    reason = device_problem(name)
    if reason:
        parser.error(f'--device {name} cannot be used with torch {torch.__version__}: {reason}')


def build_model(cfg, checkpoint=None):
    """Model of a config in eval mode: the student when the config distils.

    Args:
        cfg (Config): Config with ``model``.
        checkpoint (str, optional): Weights of the model, of its distillation, or of the plain student.

    Raises:
        CheckpointError: If the weights are not those of the model.
    """
    model = MODELS.build(plain_model(cfg.model)).eval()
    if checkpoint:
        load_plain_weights(model, checkpoint)
    return model


def first_batch(cfg):
    """One collated sample of the test set."""
    return pseudo_collate([DATASETS.build(cfg.test_dataloader.dataset)[0]])


def synchronize(device):
    """Wait for CUDA; nothing on the CPU."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def measure(model, batch, device, num_iters, num_warmup, bf16=False):
    """Time ``predict`` on one batch that lies on the device already.

    Returns:
        dict: ``latency_ms`` (median), ``latency_min_ms``, ``fps``, ``peak_mb`` (memory above what the model and the
        inputs take), ``weights_mb``, ``parameters``, ``num_iters``.
    """
    model = model.to(device)
    data = model.data_preprocessor(batch, False)

    def forward():
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            result = model(**data, mode='predict')
        synchronize(device)
        return result

    for _ in range(num_warmup):
        forward()
    if device.type == 'cuda':
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        forward()
        peak = (torch.cuda.max_memory_allocated(device) - before) / 2**20
    else:
        peak = peak_memory_mb(forward)
    seconds = []
    for _ in range(num_iters):
        start = time.perf_counter()
        forward()
        seconds.append(time.perf_counter() - start)
    parameters = list(model.parameters())
    return {
        'latency_ms': 1e3 * statistics.median(seconds),
        'latency_min_ms': 1e3 * min(seconds),
        'fps': 1 / statistics.median(seconds),
        'peak_mb': peak,
        'weights_mb': sum(p.numel() * p.element_size() for p in parameters) / 2**20,
        'parameters': sum(p.numel() for p in parameters),
        'num_iters': num_iters,
    }


def main():
    """Build, measure and print."""
    args = parse_args()
    cfg = read_config(args.config, args.cfg_options)
    MMLogger.get_instance('benchmark', log_level='WARNING')
    device = torch.device(args.device)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmdet3d')):
        with naming_config_keys(cfg.model, 'model'):
            model = build_model(cfg, args.checkpoint)
        batch = first_batch(cfg)
        result = measure(model, batch, device, args.num_iters, args.num_warmup, args.bf16)
    machine = describe()
    result.update(config=args.config, model=type(model).__name__, device=str(device), bf16=args.bf16, batch_size=1)
    print(f'{result["model"]} of {args.config} on {device}{", bf16" if args.bf16 else ""}')
    print(
        f'latency     {result["latency_ms"]:.1f} ms (median of {args.num_iters}, best {result["latency_min_ms"]:.1f})'
    )
    print(f'speed       {result["fps"]:.2f} frames per second')
    print(f'memory      {result["peak_mb"]:.0f} MiB at the peak, and {result["weights_mb"]:.1f} MiB of weights')
    print(f'parameters  {result["parameters"] / 1e6:.2f} M')
    print(f'{machine["cpu"]}, {machine["threads"]} threads, load {machine["load_average"]}, torch {machine["torch"]}')
    if args.json:
        with atomic_write(args.json, 'w') as file:
            json.dump({'machine': machine, **result}, file, indent=1)


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
