#!/usr/bin/env python
"""Compare two sets of predictions: what the second scores over the first, with 95 % intervals, and where."""

import json
import sys

from projects.cli import ToolParser, output_file, positive_int, positive_number, run_tool
from projects.compute.pool import available_cpus
from projects.depth_eval import CROPS
from projects.depth_eval.doubts import depth_doubts, outside_doubts
from projects.depth_eval.pairing import pair_files
from projects.depth_eval.protocol import EigenProtocol, KittiProtocol, score_rows
from projects.fileio import atomic_write
from projects.occ_eval.doubts import occ_doubts
from projects.occ_eval.frames import collect_frames
from projects.occ_eval.protocol import OccProtocol
from projects.occ_eval.report import format_errors
from projects.occ_eval.stream import score_frames
from projects.studies.comparison import (
    FEWEST_SCENES,
    BothScores,
    compare,
    depth_sums,
    frames_apart,
    occ_metrics,
    occ_sums,
)

_APART = 6


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(
        description=__doc__,
        epilog='The interval is that of a paired bootstrap over scenes (drives): what other scenes would have given, '
        'not another training. Frames that cannot be scored in both sets count in neither. Exit code: 0 all frames '
        'compared, 1 some were not, 2 wrong arguments.',
    )
    tasks = parser.add_subparsers(dest='task', required=True)
    occ = tasks.add_parser('occ', help='occupancy, files as tools/eval_occ.py reads them')
    occ.add_argument('--metrics', nargs='+', choices=['miou', 'rayiou'], default=['miou'], help='default: miou')
    occ.add_argument('--mask', choices=['camera', 'lidar', 'none'], default='camera', help='for mIoU; default: camera')
    occ.add_argument('--origins', metavar='F.json', help='origins of RayIoU, as for tools/eval_occ.py')
    eigen = tasks.add_parser('eigen', help='depth by the Eigen protocol, files as tools/eval_depth.py reads them')
    eigen.add_argument('--kb-crop', action='store_true', help='score the frame of 352x1216')
    eigen.add_argument('--crop', choices=CROPS, default='garg', help='default: garg')
    eigen.add_argument('--cap', type=positive_number, default=80.0, metavar='M', help='metres; default: 80')
    kitti = tasks.add_parser('kitti', help='depth as the KITTI benchmark scores it')
    for task in (occ, eigen, kitti):
        task.add_argument('gt_dir', help='labels or ground truth')
        task.add_argument('first', help='predictions to compare with')
        task.add_argument('second', help='predictions that may be better')
        task.add_argument('--infos', metavar='F.pkl', help='info file: compare its frames only')
        task.add_argument('--workers', type=positive_int, default=available_cpus(), help='processes (%(default)s)')
        task.add_argument('--json', type=output_file, metavar='OUT', help='write the numbers here')
    args = parser.parse_args(argv)
    if args.task == 'occ' and 'rayiou' in args.metrics and not (args.origins or args.infos):
        occ.error('rayiou needs --origins or --infos')
    return args


def warn(folder, warnings):
    """Say what is odd about one of the sets."""
    for warning in warnings:
        print(f'warning: {folder}: {warning}', file=sys.stderr)


def compare_occ(args):
    """Sums of both sets, metrics and errors."""
    found = [
        collect_frames(args.gt_dir, folder, args.infos, args.origins, 'rayiou' in args.metrics)
        for folder in (args.first, args.second)
    ]
    for folder, (frames, _, warnings) in zip((args.first, args.second), found):
        warn(folder, warnings + occ_doubts(frames))
    others = {frame.token: frame.pred for frame in found[1][0]}
    frames = [frame for frame in found[0][0] if frame.token in others]
    protocol = OccProtocol(tuple(args.metrics), None if args.mask == 'none' else args.mask)
    totals = score_frames(frames, BothScores(protocol, others), args.workers)
    errors = [
        {**problem, 'error': f'{folder}: {problem["error"]}'}
        for folder, (_, problems, _) in zip((args.first, args.second), found)
        for problem in problems
    ]
    return occ_sums(totals.sums, frames), occ_metrics(args.metrics), errors + totals.errors


def compare_depth(args):
    """Sums of both sets, metrics and errors."""
    protocol = EigenProtocol(args.crop, args.cap, args.kb_crop) if args.task == 'eigen' else KittiProtocol()
    rows, errors = [], []
    for folder in (args.first, args.second):
        pairs, outside = pair_files(args.gt_dir, folder, args.infos)
        warn(folder, depth_doubts(pairs, protocol) + outside_doubts(outside, args.infos))
        outcomes = score_rows(pairs, protocol, args.workers)
        rows.append([row for row, _ in outcomes])
        errors += [{'token': folder, 'error': error} for _, error in outcomes if error]
    return (*depth_sums(pairs, *rows), errors)


def format_table(differences):
    """A line for each metric."""
    lines = [f'{"":<24}{"first":>10}{"second":>10}{"change":>10}   95 % over scenes']
    for row in differences:
        numbers = ''.join(f'{"-":>10}' if value != value else f'{value:10.4f}' for value in (row.first, row.second))
        change = f'{"-":>10}' if row.difference != row.difference else f'{row.difference:+10.4f}'
        interval = 'unknown' if row.low != row.low else f'{row.low:+.4f} to {row.high:+.4f}'
        lines.append(f'{row.metric:<24}{numbers}{change}   {interval:<22}{row.verdict}'.rstrip())
    return '\n'.join(lines)


def main(argv=None):
    """Compare, print and write the numbers; exit code."""
    args = parse_args(argv)
    sums, metrics, errors = (compare_occ if args.task == 'occ' else compare_depth)(args)
    if errors:
        print(format_errors(errors), file=sys.stderr)
    if not sums.tokens:
        print('error: no frame could be scored in both sets', file=sys.stderr)
        return 1
    differences, apart = compare(sums, metrics), frames_apart(sums, metrics[0], _APART)
    print(format_table(differences))
    scenes = len(set(sums.scenes))
    print(f'{len(sums.tokens)} frames of {scenes} scenes in both sets, {len(errors)} errors')
    if scenes < FEWEST_SCENES:
        print(f'{scenes} scenes are too few to say better or worse; the intervals are too narrow under {FEWEST_SCENES}')
    print(f'frames that differ most in {metrics[0].names[0]}, from the largest loss to the largest gain:')
    for frame in apart:
        print(f'  {frame["first"]:10.4f} -> {frame["second"]:10.4f}  {frame["token"]} ({frame["scene"]})')
    if args.json:
        report = {'first': args.first, 'second': args.second, 'frames': len(sums.tokens),
                  'scenes': scenes, 'metrics': [row.as_json() for row in differences],
                  'frames_apart': apart, 'errors': errors}  # fmt: skip
        with atomic_write(args.json, 'w') as file:
            json.dump(report, file, indent=1, allow_nan=False)
    return 1 if errors else 0


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
