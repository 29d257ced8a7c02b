#!/usr/bin/env python
"""Score occupancy predictions in files against Occ3D labels: mIoU, F-score, RayIoU. No model, no config, no GPU."""

import dataclasses
import sys

from projects.cli import ToolParser, output_file, positive_int, positive_number, run_tool
from projects.compute.pool import available_cpus
from projects.occ_eval.confusion import NAN_POLICIES
from projects.occ_eval.doubts import occ_doubts
from projects.occ_eval.frames import collect_frames
from projects.occ_eval.fscore import CHALLENGE_THRESHOLD
from projects.occ_eval.layouts import KNOWN_LAYOUTS
from projects.occ_eval.protocol import METRICS, OccProtocol, occ_report
from projects.occ_eval.report import format_errors, format_report, write_report
from projects.occ_eval.stream import Parts, score_frames


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(
        description=__doc__,
        epilog='An interrupted run goes on from its finished frames when it is started again with the same --json. '
        'Exit code: 0 all frames scored, 1 a frame could not be scored, 2 wrong arguments, 130 interrupted.',
    )
    parser.add_argument('gt_dir', help='labels: <scene>/<token>/labels.npz')
    parser.add_argument(
        'pred_dir',
        help=f'predictions, integers (200, 200, 16), key arr_0, pred or semantics: {"; ".join(KNOWN_LAYOUTS)}',
    )
    parser.add_argument('--metrics', nargs='+', choices=METRICS, default=['miou'], help='default: miou')
    parser.add_argument(
        '--mask',
        choices=['camera', 'lidar', 'none'],
        default='camera',
        help='for mIoU and F-score; default: camera',
    )
    parser.add_argument('--origins', metavar='F.json', help='origins of RayIoU: {token: [[x, y, z], ...]}, metres, ego')
    parser.add_argument(
        '--infos', metavar='F.pkl', help='info file: gives the origins, and the tokens to score (others: one warning)'
    )
    parser.add_argument(
        '--f-threshold',
        type=positive_number,
        default=CHALLENGE_THRESHOLD,
        metavar='M',
        help='metres; default: %(default)s',
    )
    parser.add_argument('--f-official', action='store_true', help='published float arithmetic instead of index space')
    parser.add_argument(
        '--nan-policy',
        choices=NAN_POLICIES,
        default='both',
        help='leave a class out of mIoU when it is absent from label and prediction (both, Occ3D; default) or from the '
        'label (label, SparseOcc)',
    )
    parser.add_argument('--workers', type=positive_int, default=available_cpus(), help='processes (%(default)s)')
    parser.add_argument('--strict', action='store_true', help='stop at the first error')
    parser.add_argument('--json', type=output_file, metavar='OUT', help='write the report here and a plot beside it')
    args = parser.parse_args(argv)
    if 'rayiou' in args.metrics and not (args.origins or args.infos):
        parser.error('rayiou needs --origins or --infos')
    return args


def main(argv=None):
    """Score, print and write the report; exit code."""
    args = parse_args(argv)
    try:
        frames, problems, warnings = collect_frames(
            args.gt_dir, args.pred_dir, args.infos, args.origins, 'rayiou' in args.metrics
        )
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    warnings += occ_doubts(frames)
    for warning in warnings:
        print(f'warning: {warning}', file=sys.stderr)
    if args.strict and problems:
        print(format_errors(problems[:1]), file=sys.stderr)
        return 1
    protocol = OccProtocol(
        tuple(args.metrics), None if args.mask == 'none' else args.mask, args.f_threshold, args.f_official
    )
    parts = Parts(args.json.with_name(f'{args.json.name}.parts'), dataclasses.asdict(protocol)) if args.json else None
    try:
        totals = score_frames(frames, protocol, args.workers, parts, args.strict)
    except KeyboardInterrupt:
        print('interrupted; the same command goes on from the finished frames', file=sys.stderr)
        return 130
    totals.errors = problems + totals.errors
    report = {**occ_report(totals, protocol, args.nan_policy), 'warnings': warnings}
    if totals.resumed:
        print(f'{totals.resumed} frames were taken over from an interrupted run')
    print(format_report(report))
    if totals.errors:
        print(format_errors(totals.errors), file=sys.stderr)
    if args.json:
        picture = write_report(report, args.json)
        print(f'report: {args.json}' + (f', plot: {picture}' if picture else ''))
        if not totals.errors:
            parts.clear()
    return 1 if totals.errors else 0


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
