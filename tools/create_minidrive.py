"""Generate MiniDrive, a procedural driving data set in the formats of nuScenes and Occ3D, or of KITTI stereo."""

import argparse
import os
import sys

from projects.cli import ToolParser, positive_int, run_tool
from projects.minidrive import (
    AGGREGATED,
    KITTI_PRESETS,
    PRESETS,
    VERSION,
    LabelNoise,
    Preset,
    Summary,
    generate,
    generate_kitti,
    generate_labels,
)

_FORMATS = {'nuscenes': PRESETS, 'kitti': KITTI_PRESETS}
_SHOWN = 5


def _describe(form: str, preset: Preset) -> str:
    height, width = preset.image_size
    frames = '-'.join(map(str, sorted(set(preset.keyframes))))
    calib = f', {preset.calib_scenes} calibration' if preset.calib_scenes else ''
    return (
        f'  {form:8s} {preset.name:5s} {height}x{width} images, {preset.train_scenes} training and '
        f'{preset.val_scenes} validation{calib} scenes of {frames} frames'
    )


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    sizes = '\n'.join(_describe(form, preset) for form, presets in _FORMATS.items() for preset in presets.values())
    parser = ToolParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f'presets:\n{sizes}\n\nA run that was interrupted or killed continues when the same command is given '
        'again.\nEqual seeds give equal bytes, whatever the number of workers.',
    )
    parser.add_argument('out', metavar='OUT', help='folder of the data set; new, empty, or made by the same command')
    parser.add_argument('--format', choices=sorted(_FORMATS), default='nuscenes', help='default: nuscenes')
    parser.add_argument(
        '--preset', choices=sorted(PRESETS), default='mini', help='size of the data set (default: mini)'
    )
    parser.add_argument('--seed', type=int, default=0, help='seed of all randomness (default: 0)')
    parser.add_argument('--workers', type=positive_int, default=os.cpu_count() or 1, help='processes (%(default)s)')
    parser.add_argument(
        '--verify',
        action='store_true',
        help='read every file of a complete data set; scenes that are damaged are made again',
    )
    labels = parser.add_argument_group('labels')
    labels.add_argument(
        '--labels',
        choices=('exact', 'aggregated'),
        default='exact',
        help='aggregated: write labels made of LiDAR points, as those of Occ3D, beside the exact ones (default: exact)',
    )
    labels.add_argument(
        '--labels-dir', default=AGGREGATED, help=f'their folder below OUT (default: {AGGREGATED}), one for each noise'
    )
    labels.add_argument(
        '--wrong-points', type=float, default=0.0, help='part of the LiDAR points that have a wrong class (default: 0)'
    )
    labels.add_argument(
        '--box-offset',
        type=float,
        default=0.0,
        help='standard deviation in metres by which boxes of moving objects are off, along each axis (default: 0)',
    )
    args = parser.parse_args()
    if args.seed < 0:
        parser.error(f'--seed must be at least 0, got {args.seed}')
    if args.preset not in _FORMATS[args.format]:
        parser.error(f'--preset of --format {args.format} must be one of {sorted(_FORMATS[args.format])}')
    _check_labels(parser, args)
    return args


def _check_labels(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    changed = [
        flag
        for flag in ('labels_dir', 'wrong_points', 'box_offset', 'labels')
        if getattr(args, flag) != parser.get_default(flag)
    ]
    if changed and args.labels == 'exact':
        parser.error(f'--{changed[0].replace("_", "-")} needs --labels aggregated')
    if changed and args.format != 'nuscenes':
        parser.error('--labels needs --format nuscenes')
    try:
        args.noise = LabelNoise(args.wrong_points, args.box_offset)
    except ValueError as error:
        parser.error(str(error))


def _report(summary: Summary, verified: bool, what: str = 'samples') -> None:
    for fault in summary.faults[:_SHOWN]:
        print(f'made again: {fault}')
    if len(summary.faults) > _SHOWN:
        print(f'made again: {len(summary.faults) - _SHOWN} more')
    done = f'{summary.generated} generated now' if summary.generated else 'complete before'
    if not summary.generated and not summary.faults:
        done += ', every file verified' if verified else ', nothing to do'
    print(
        f'{summary.scenes} scenes ({done}), {summary.samples} {what}, {summary.bytes / 2**20:.0f} MiB '
        f'in {summary.out_dir}, {summary.seconds:.0f} s'
    )


def main() -> int:
    """Generate the data set and say what to do next."""
    args = parse_args()
    make = generate if args.format == 'nuscenes' else generate_kitti
    try:
        summary = make(args.out, args.preset, args.seed, args.workers, verify=args.verify)
        _report(summary, args.verify)
        if args.labels == 'aggregated':
            labels = generate_labels(args.out, args.noise, args.labels_dir, args.workers, verify=args.verify)
            _report(labels, args.verify, 'aggregated labels')
    except OSError as error:  # it names the file
        raise RuntimeError(str(error)) from error
    except KeyboardInterrupt:
        print('interrupted; give the same command again to continue', file=sys.stderr)
        return 130
    if args.format == 'kitti':
        print(f'next: python tools/create_data.py kitti-depth --root-path {summary.out_dir}')
    else:
        print(f'next: python tools/create_data.py occ3d-nus --root-path {summary.out_dir} --version {VERSION}')
    return 0


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
