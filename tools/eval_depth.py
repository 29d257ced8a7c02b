#!/usr/bin/env python
"""Score depth maps in 16-bit PNG files against ground truth. No model, no config, no GPU."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from projects.cli import ToolParser, positive_number, run_tool
from projects.depth_eval import CROPS, eigen_image, kitti_image, macro_average, read_depth
from projects.depth_eval.pairing import pair_files
from projects.fileio import atomic_write

_SHOWN = 20
_UNITS = {
    'rmse': 'm',
    'silog': 'log(m) * 100',
    'irmse': '1/km',
    'sq_rel': 'm',
    'sq_error_rel': '%',
    'abs_error_rel': '%',
}


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(
        description=__doc__,
        epilog='Files are paired by relative path, or by the frame that their name tells: the flat names of BTS, '
        'NeWCRFs, PixelFormer and AdaBins and the names of the KITTI selection are known. Exit code: 0 all frames '
        'scored, 1 files do not match or a frame could not be scored, 2 wrong arguments, 130 interrupted.',
    )
    protocols = parser.add_subparsers(dest='protocol', required=True)
    eigen = protocols.add_parser('eigen', help='Eigen protocol: crop, cap, mean over images')
    eigen.add_argument(
        '--kb-crop', action='store_true', help='score the frame of 352x1216; predictions may have that size'
    )
    eigen.add_argument('--crop', choices=CROPS, default='garg', help='default: garg')
    eigen.add_argument('--cap', type=positive_number, default=80.0, metavar='M', help='metres; default: 80')
    kitti = protocols.add_parser('kitti', help='KITTI benchmark: hole filling, no crop, no cap, units of its site')
    for protocol in (eigen, kitti):
        protocol.add_argument('gt_dir', help='ground truth: 16-bit PNG, metres * 256, 0 = none')
        protocol.add_argument('pred_dir', help='predictions in the same form, one file a frame')
        protocol.add_argument('--infos', metavar='F.pkl', help='score these frames: GT_DIR is the data root then')
        protocol.add_argument('--workers', type=int, default=os.cpu_count() or 1, help='threads; default: %(default)s')
        protocol.add_argument('--json', type=Path, metavar='OUT', help='write the numbers here')
    args = parser.parse_args(argv)
    if args.workers < 1:
        parser.error('--workers must be at least 1')
    return args


def score(pair, args):
    """Metrics of a frame or None without truth; an error message if it cannot be scored."""
    try:
        pred = read_depth(pair.pred)
        if pair.gt is None:
            return None, None
        gt = read_depth(pair.gt, pair.gt_scale)
        if args.protocol == 'kitti':
            return kitti_image(gt, pred), None
        return eigen_image(gt, pred, args.crop, args.cap, use_kb_crop=args.kb_crop), None
    except (OSError, ValueError) as error:
        return None, f'{pair.name}: {error}'


def score_pairs(pairs, args):
    """Score all frames in threads; return the report."""
    with ThreadPoolExecutor(args.workers) as pool:
        try:
            outcomes = list(tqdm(pool.map(lambda pair: score(pair, args), pairs), total=len(pairs), unit='frame'))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    errors = [error for _, error in outcomes if error]
    rows = [row for row, error in outcomes if not error]
    report = macro_average(rows) if any(row is not None for row in rows) else {}
    scored = sum(row is not None for row in rows)
    report['frames'] = scored
    if args.protocol == 'eigen' or scored < len(rows):
        report['skipped'] = len(rows) - scored
    if errors:
        report['errors'] = errors
    return report


def format_report(report, args):
    """Table of a report."""
    if args.protocol == 'eigen':
        frame = '352x1216' if args.kb_crop else 'full frame'
        lines = [f'Eigen protocol: {frame}, crop {args.crop}, cap {args.cap:g} m, mean over images']
    else:
        lines = ['KITTI benchmark: hole filling, mean over images']
    lines += [
        f'{key:<16}{value:>12.6f}  {_UNITS.get(key, "")}'.rstrip()
        for key, value in report.items()
        if isinstance(value, float)
    ]
    lines.append(
        f'{report["frames"]} frames scored, {report.get("skipped", 0)} skipped without ground truth, '
        f'{len(report.get("errors", []))} errors'
    )
    return '\n'.join(lines)


def main(argv=None):
    """Score and report."""
    args = parse_args(argv)
    try:
        pairs, outside = pair_files(args.gt_dir, args.pred_dir, args.infos)
        if outside:
            print(
                f'warning: {len(outside)} predictions are of frames that {args.infos} does not hold and are not '
                f'scored, {outside[0]} first',
                file=sys.stderr,
            )
        report = score_pairs(pairs, args)
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('interrupted; nothing was written', file=sys.stderr)
        return 130
    errors = report.get('errors', [])
    for error in errors[:_SHOWN]:
        print(f'error: {error}', file=sys.stderr)
    if len(errors) > _SHOWN:
        print(f'... and {len(errors) - _SHOWN} more errors', file=sys.stderr)
    print(format_report(report, args))
    if args.json:
        with atomic_write(args.json, 'w') as file:
            json.dump(report, file, indent=1)
    if not report['frames']:
        print('error: no frame could be scored', file=sys.stderr)
    return 1 if errors or not report['frames'] else 0


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
