#!/usr/bin/env python
"""What a training costs before it is run: plan.py CONFIG --gpus N [options].

Parameters, FLOPs of each part, memory, rays and time. Networks are run on tensors without memory; pooling, deformable
sampling, pillars and rendering are formulas. No data, checkpoint or GPU is needed. Time counts FLOPs alone: loading of
data, kernels that wait for memory and communication come on top of it.
"""

import argparse

from planning.plan import describe_plan, make_plan

from projects.cli import ToolParser, positive_int, positive_number, run_tool
from projects.engine import read_config


def parse_args():
    """Read the command line."""
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of a model or of a distillation')
    parser.add_argument('--gpus', type=positive_int, required=True, metavar='N', help='number of GPUs')
    parser.add_argument(
        '--tflops', type=positive_number, default=125.0, metavar='T', help='peak of one GPU in TFLOP/s (default: 125)'
    )
    parser.add_argument(
        '--utilisation',
        type=positive_number,
        default=0.3,
        metavar='U',
        help='part of it that is reached (default: 0.3)',
    )
    parser.add_argument(
        '--samples', type=positive_int, metavar='N', help='samples of the training set (default: of the data set)'
    )
    args = parser.parse_args()
    if args.utilisation > 1:
        parser.error('--utilisation must be at most 1')
    return args


def main():
    """Print the plan of a config."""
    args = parse_args()
    plan = make_plan(read_config(args.config))
    print(describe_plan(plan, args.gpus, args.tflops, args.utilisation, args.samples))


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
