"""Write the info files of a data set."""

import argparse
import sys

from dataset_converters.drivingstereo import WEATHERS, DrivingStereoConverter
from dataset_converters.kitti_depth import SPLITS as KITTI_SPLITS
from dataset_converters.kitti_depth import KITTIDepthConverter
from dataset_converters.nuscenes_splits import SPLITS
from dataset_converters.occ3d_nuscenes import Occ3DConverter

from projects.cli import ToolParser, positive_int, run_tool


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ToolParser(description=__doc__)
    datasets = parser.add_subparsers(dest='dataset', required=True)
    occ3d = datasets.add_parser('occ3d-nus', help='nuScenes with Occ3D labels, or MiniDrive')
    occ3d.add_argument('--root-path', required=True, help='data root, for instance data/nuscenes')
    occ3d.add_argument('--version', default='v1.0-trainval', choices=sorted(SPLITS))
    occ3d.add_argument('--out-dir', help='folder of the info files (default: the data root)')
    occ3d.add_argument('--extra-tag', default='occ3d-nus', help='first part of the file names')
    occ3d.add_argument('--workers', type=positive_int, default=2, help='processes')
    occ3d.add_argument('--max-sweeps', type=int, default=10, help='LiDAR sweeps per keyframe')
    occ3d.add_argument('--force', action='store_true', help='write files again that are complete')
    occ3d.add_argument(
        '--allow-missing',
        action='store_true',
        help='go on with what is there: leave out samples without camera file (or, for training, without label) and '
        'scenes that the tables lack, and print how many',
    )
    occ3d.set_defaults(run=_run_occ3d)
    kitti = _add_depth_parser(datasets, 'kitti-depth', 'KITTI depth, or MiniDrive in its layout', 'data/kitti')
    kitti.add_argument(
        '--split',
        choices=KITTI_SPLITS,
        default='auto',
        help='auto: minidrive if the root has its lists, else eigen (default)',
    )
    kitti.add_argument('--no-pair-check', action='store_true', help='do not look for swapped or equal cameras')
    kitti.set_defaults(run=_run_kitti)
    driving = _add_depth_parser(datasets, 'drivingstereo', 'DrivingStereo', 'data/drivingstereo')
    driving.add_argument('--resolution', choices=('half', 'full'), default='half', help='default: half')
    driving.add_argument('--weather', nargs='*', choices=WEATHERS, default=[], help='weather sets to convert as well')
    driving.set_defaults(run=_run_drivingstereo)
    return parser.parse_args()


def _add_depth_parser(
    datasets: argparse._SubParsersAction, name: str, title: str, example: str
) -> argparse.ArgumentParser:
    parser = datasets.add_parser(name, help=title)
    parser.add_argument('--root-path', required=True, help=f'data root, for instance {example}')
    parser.add_argument('--out-dir', help='folder of the info files (default: the data root)')
    parser.add_argument('--allow-missing', action='store_true', help='leave frames with missing files out')
    parser.add_argument(
        '--pairs-only',
        action='store_true',
        help='leave frames without a right image out; default: they are written for models of one image',
    )
    return parser


def _run_occ3d(args: argparse.Namespace) -> None:
    Occ3DConverter(
        root=args.root_path,
        version=args.version,
        out_dir=args.out_dir or args.root_path,
        extra_tag=args.extra_tag,
        max_sweeps=args.max_sweeps,
        workers=args.workers,
        force=args.force,
        allow_missing=args.allow_missing,
    ).run()


def _run_kitti(args: argparse.Namespace) -> None:
    KITTIDepthConverter(
        root=args.root_path,
        split=args.split,
        out_dir=args.out_dir,
        allow_missing=args.allow_missing,
        check_pairs=not args.no_pair_check,
        pairs_only=args.pairs_only,
    ).run()


def _run_drivingstereo(args: argparse.Namespace) -> None:
    DrivingStereoConverter(
        root=args.root_path,
        resolution=args.resolution,
        weathers=tuple(args.weather),
        out_dir=args.out_dir,
        allow_missing=args.allow_missing,
        pairs_only=args.pairs_only,
    ).run()


def main() -> int:
    """Convert and report; errors of the data are one message, not a traceback."""
    args = parse_args()
    try:
        args.run(args)
    except (FileNotFoundError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
