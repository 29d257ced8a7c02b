#!/usr/bin/env python
"""Score depth maps in 16-bit PNG, .npy or .npz files against ground truth. No model, no config, no GPU."""

import json
import sys

from projects.cli import ToolParser, output_file, positive_int, positive_number, run_tool
from projects.compute.pool import available_cpus
from projects.depth_eval import CROPS
from projects.depth_eval.doubts import depth_doubts, outside_doubts
from projects.depth_eval.pairing import pair_files
from projects.depth_eval.protocol import EigenProtocol, KittiProtocol, score_pairs
from projects.depth_eval.report import format_errors, format_report
from projects.fileio import atomic_write


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
        protocol.add_argument(
            'pred_dir', help='predictions, one file a frame: in the same form, or metres (H, W) in .npy or .npz'
        )
        protocol.add_argument('--infos', metavar='F.pkl', help='score these frames: GT_DIR is the data root then')
        protocol.add_argument('--workers', type=positive_int, default=available_cpus(), help='threads (%(default)s)')
        protocol.add_argument('--json', type=output_file, metavar='OUT', help='write the numbers here')
    args = parser.parse_args(argv)
    return args


def main(argv=None):
    """Score and report."""
    args = parse_args(argv)
    protocol = EigenProtocol(args.crop, args.cap, args.kb_crop) if args.protocol == 'eigen' else KittiProtocol()
    try:
        pairs, outside = pair_files(args.gt_dir, args.pred_dir, args.infos)
        warnings = depth_doubts(pairs, protocol) + outside_doubts(outside, args.infos)
        for warning in warnings:
            print(f'warning: {warning}', file=sys.stderr)
        report = score_pairs(pairs, protocol, args.workers)
        report.update({'warnings': warnings} if warnings else {})
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('interrupted; nothing was written', file=sys.stderr)
        return 130
    errors = report.get('errors', [])
    if errors:
        print(format_errors(errors), file=sys.stderr)
    print(format_report(report, protocol))
    if args.json:
        with atomic_write(args.json, 'w') as file:
            json.dump(report, file, indent=1)
    if not report['frames']:
        print('error: no frame could be scored', file=sys.stderr)
    return 1 if errors or not report['frames'] else 0


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
