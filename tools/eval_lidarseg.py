#!/usr/bin/env python
"""Score lidarseg predictions in files: mIoU of the nuScenes challenge (16 classes). No model, no config, no GPU."""

import sys

from projects.cli import ToolParser, output_file, positive_int, run_tool
from projects.compute.pool import available_cpus
from projects.occ_eval.files import find_lidarseg, pair_files
from projects.occ_eval.protocol import lidarseg_report, score_lidarseg
from projects.occ_eval.report import extra_warnings, format_errors, format_report, write_report
from projects.occ_eval.stream import Parts, score_frames
from projects.occ_eval.submission.tokens import read_scans


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(
        description=__doc__, epilog='Exit code: 0 all scans scored, 1 a scan could not be scored, 2 wrong arguments.'
    )
    parser.add_argument('gt_dir', help='labels: <token>_lidarseg.bin, uint8')
    parser.add_argument('pred_dir', help='predictions: <token>_lidarseg.bin, uint8, ids 1..16')
    parser.add_argument('--infos', metavar='F.pkl', help='info file: score its scans only (default: all labels)')
    parser.add_argument(
        '--label-ids',
        choices=['auto', 'fine', 'challenge'],
        default='auto',
        help='ids of the labels: 32 categories as nuScenes has them (fine), 0..16 (challenge), or found out (auto)',
    )
    parser.add_argument('--workers', type=positive_int, default=available_cpus(), help='processes (%(default)s)')
    parser.add_argument('--strict', action='store_true', help='stop at the first error')
    parser.add_argument('--json', type=output_file, metavar='OUT', help='write the report here and a plot beside it')
    args = parser.parse_args(argv)
    return args


def main(argv=None):
    """Score, print and write the report; exit code."""
    args = parse_args(argv)
    try:
        tokens = [scan.token for scan in read_scans(args.infos)] if args.infos else None
        frames, problems, extra = pair_files(find_lidarseg(args.gt_dir), find_lidarseg(args.pred_dir), tokens)
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    warnings = extra_warnings(extra, args.infos or args.gt_dir)
    for warning in warnings:
        print(f'warning: {warning}', file=sys.stderr)
    if args.strict and problems:
        print(format_errors(problems[:1]), file=sys.stderr)
        return 1
    parts = Parts(args.json.with_name(f'{args.json.name}.parts'), 'lidarseg') if args.json else None
    try:
        totals = score_frames(frames, score_lidarseg, args.workers, parts, args.strict)
    except KeyboardInterrupt:
        print('interrupted; the same command goes on from the finished scans', file=sys.stderr)
        return 130
    totals.errors = problems + totals.errors
    try:
        report = {**lidarseg_report(totals, args.label_ids), 'warnings': warnings}
    except ValueError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    print(format_report(report))
    if totals.errors:
        print(format_errors(totals.errors), file=sys.stderr)
    if args.json:
        write_report(report, args.json)
        if not totals.errors:
            parts.clear()
    return 1 if totals.errors else 0


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
