#!/usr/bin/env python
"""Pack and check leaderboard files: python tools/submission.py BENCHMARK {pack,check} ... (--help for each)."""

import argparse
import importlib
import os
import sys

from projects.cli import ToolParser, output_file, run_tool

BENCHMARKS = {
    'occ3d': 'projects.occ_eval.submission.occ3d',
    'lidarseg': 'projects.occ_eval.submission.lidarseg',
    'kitti-depth': 'projects.depth_eval.submission',
}
"""Module of each benchmark; its ``add_commands`` sets ``run``, which returns all that is wrong as a list of lines."""


def main(argv=None):
    """Run a command; exit code 0 if nothing is wrong, 1 if something is, 2 for wrong arguments."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(description=__doc__)  # of the first word only
    parser.add_argument('benchmark', choices=BENCHMARKS)
    benchmark = parser.parse_args(argv[:1]).benchmark
    parser = ToolParser(prog=f'submission.py {benchmark}')
    # Only the module that is used is imported: some need torch, some must not.
    importlib.import_module(BENCHMARKS[benchmark]).add_commands(parser.add_subparsers(dest='command', required=True))
    args = parser.parse_args(argv[1:])
    try:
        if args.command == 'pack':
            output_file(args.out)
        problems = args.run(args)
    except (OSError, ValueError, argparse.ArgumentTypeError) as error:
        problems = [str(error)]
    for problem in problems:
        print(f'error: {problem}', file=sys.stderr)
    if problems:
        print(f'{len(problems)} problems', file=sys.stderr)
        return 1
    if args.command == 'pack':
        print(f'{args.out} is written ({os.path.getsize(args.out)} bytes)')
    else:
        print('nothing is wrong')
    return 0


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
