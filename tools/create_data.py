"""Write the info files of a data set."""

import argparse
import sys

from dataset_converters.occ3d_nuscenes import SPLITS, Occ3DConverter


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    datasets = parser.add_subparsers(dest='dataset', required=True)
    occ3d = datasets.add_parser('occ3d-nus', help='nuScenes with Occ3D labels, or MiniDrive')
    occ3d.add_argument('--root-path', required=True, help='data root, for instance data/nuscenes')
    occ3d.add_argument('--version', default='v1.0-trainval', choices=sorted(SPLITS))
    occ3d.add_argument('--out-dir', help='folder of the info files (default: the data root)')
    occ3d.add_argument('--extra-tag', default='occ3d-nus', help='first part of the file names')
    occ3d.add_argument('--workers', type=int, default=2, help='processes')
    occ3d.add_argument('--max-sweeps', type=int, default=10, help='LiDAR sweeps per keyframe')
    occ3d.add_argument('--force', action='store_true', help='write files again that are complete')
    occ3d.add_argument(
        '--allow-missing', action='store_true', help='go on when images, LiDAR files or labels are missing'
    )
    return parser.parse_args()


def main() -> int:
    """Convert and report; errors of the data are one message, not a traceback."""
    args = parse_args()
    try:
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
    except (FileNotFoundError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
