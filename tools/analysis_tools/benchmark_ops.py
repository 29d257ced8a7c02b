#!/usr/bin/env python
"""Time the operations of this project and the peers' algorithms side by side.

All variants of an operation run in turns in one process on the same inputs. Results are compared first; no ratio is
printed for a wrong one. Quote ratios of medians: absolute times move with whatever else runs on the machine. The exit
code is 1 when a result is wrong or, on the CPU, a ratio is under half of its floor twice in a row.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from ops_benchmarks.core import failures, measure_twice_if_slow, without_expectations
from ops_benchmarks.machine import describe, touch_memory
from ops_benchmarks.meters import meter_of
from ops_benchmarks.report import machine_line, markdown, text_table

from projects.cli import ToolParser, run_tool
from projects.engine import atomic_write, device_problem

# In this order: the step sets the allocator of the process as tools/train.py does.
OPS = ('pool', 'render', 'dataload', 'miou', 'rayiou', 'step')
CUDA_OPS = ('pool', 'render', 'step')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ops', nargs='*', metavar='OP', help=f'any of {", ".join(OPS)} (default: all)')
    parser.add_argument('--quick', action='store_true', help='fewer rounds and smaller inputs')
    parser.add_argument('--json', type=Path, metavar='F', help='write the rows to a file')
    parser.add_argument('--markdown', type=Path, metavar='F', help='write the tables to a file')
    parser.add_argument('--device', default='cpu', help=f'cpu, or cuda for {", ".join(CUDA_OPS)} (default: cpu)')
    args = parser.parse_args(argv)
    unknown = sorted(set(args.ops) - set(OPS))
    if unknown:
        parser.error(f'unknown operation {unknown}; choose from {list(OPS)}')
    reason = device_problem(args.device)
    if reason:
        parser.error(f'--device {args.device} cannot be used with torch {torch.__version__}: {reason}')
    possible = OPS if torch.device(args.device).type == 'cpu' else CUDA_OPS
    elsewhere = sorted(set(args.ops) - set(possible))
    if elsewhere:
        parser.error(f'{elsewhere} run on the CPU only; with --device {args.device} choose from {list(possible)}')
    args.ops = [op for op in possible if op in (args.ops or possible)]
    return args


def main() -> int:
    """Run the benchmarks, print the tables and write the files."""
    args = parse_args()
    touch_memory()
    meter = meter_of(args.device)
    machine = {**describe(), **meter.facts()}
    print(machine_line(machine), flush=True)
    rows = []
    if meter.device.type != 'cpu':
        # Inputs, models and the peers' tensors are made there. Every call of PyTorch takes about a microsecond more.
        torch.set_default_device(meter.device)
    for op in args.ops:
        torch.manual_seed(0)
        for benchmark in importlib.import_module(f'ops_benchmarks.{op}').benchmarks(args.quick):
            if meter.device.type != 'cpu':
                benchmark = without_expectations(benchmark)
            measured = measure_twice_if_slow(benchmark, args.quick, meter)
            print(f'\n{text_table(measured)}', flush=True)
            rows += measured
    if args.json:
        with atomic_write(args.json, 'w') as file:
            json.dump({'machine': machine, 'rows': rows}, file, indent=1)
    if args.markdown:
        with atomic_write(args.markdown, 'w') as file:
            file.write(markdown(rows, machine))
    messages = failures(rows)
    for message in messages:
        print(message, file=sys.stderr)
    return 1 if messages else 0


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
