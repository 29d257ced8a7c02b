"""Write the image segments that RadOcc's RSC compares: one uint16 PNG per image, 0 is no segment.

Give info files (--infos) or a folder of images (--images). The same command goes on after an interruption: files that
are whole are left, missing and damaged ones are made.
"""

import argparse
from dataclasses import MISSING, fields
from pathlib import Path

from projects.cli import ToolParser, positive_int, run_tool
from projects.segments import (
    Felzenszwalb,
    Sam,
    Slic,
    check_files,
    claim_folder,
    extract,
    files_of_folder,
    files_of_infos,
)

METHODS = {'sam': Sam, 'slic': Slic, 'felzenszwalb': Felzenszwalb}
SHOWN = 20
HELP = {
    'n_segments': 'segments of an image, about',
    'compactness': 'weight of place against colour; more gives squares',
    'scale': 'more gives larger segments',
    'min_size': 'smallest segment, in pixels of the shrunk image',
    'sigma': 'blur before, in pixels of the shrunk image',
    'shrink': 'segment the image at 1/N of its size',
    'checkpoint': 'folder with config.json and model.safetensors of a SAM, in the layout of transformers',
    'device': 'where SAM runs: cpu, cuda, cuda:1',
    'points_per_side': 'points along each side of the image',
    'points_per_batch': 'points that are decoded at once',
    'min_iou': 'smallest IoU that the model predicts for a mask',
    'min_stability': 'smallest stability score of a mask',
    'nms_iou': 'largest overlap of the boxes of two masks',
}


def shard(text: str) -> tuple[int, int]:
    """Which of how many equal parts, such as 0/8.

    Raises:
        argparse.ArgumentTypeError: If it is none.
    """
    index, _, count = text.partition('/')
    if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise argparse.ArgumentTypeError(f'must be such as 0/8, up to 7/8, got {text}')
    return int(index), int(count)


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    methods = parser.add_subparsers(dest='method', required=True)
    for name, kind in METHODS.items():
        method = methods.add_parser(name, help=kind.__doc__.splitlines()[0])
        for field in fields(kind):
            default = None if field.default is MISSING else field.default
            checked = positive_int if isinstance(default, int) else float if isinstance(default, float) else str
            text = f'{HELP[field.name]}{"" if default is None else f" ({default})"}'
            method.add_argument(f'--{field.name.replace("_", "-")}', type=checked, default=default, help=text)
        add_shared(method)
    args = parser.parse_args(argv)
    if (args.infos is None) == (args.images is None):
        parser.error('give one of --infos and --images')
    if args.images is not None and args.data_root is not None:
        parser.error('--data-root goes with --infos')
    if args.method == 'sam' and args.checkpoint is None and not args.check:
        parser.error('sam needs --checkpoint')
    return args


def add_shared(method: argparse.ArgumentParser) -> None:
    """What every method takes."""
    method.add_argument('--infos', nargs='+', help='info files of tools/create_data.py, or of others')
    method.add_argument('--data-root', help='root of the data of --infos (default: the folder of the first)')
    method.add_argument('--images', help='folder of images, in place of --infos; the output has the same tree')
    method.add_argument('--out-dir', required=True, help='folder of the segments')
    method.add_argument('--workers', type=positive_int, default=1, help='processes (%(default)s)')
    method.add_argument(
        '--shard',
        type=shard,
        default=(0, 1),
        metavar='K/N',
        help='every Nth image from the Kth on: 0/8 to 7/8 on 8 GPUs',
    )
    method.add_argument(
        '--check', action='store_true', help='write nothing: name the files that are missing or damaged'
    )


def segmenter_of(args: argparse.Namespace):
    """The method with its options."""
    kind = METHODS[args.method]
    if kind is Sam:
        from projects.engine.device import device_problem  # torch, which superpixels need not

        problem = device_problem(args.device)
        if problem:
            raise ValueError(f'--device {args.device} cannot be used: {problem}')
    return kind(**{field.name: getattr(args, field.name) for field in fields(kind)})


def report(faults, what: str) -> None:
    """Name the files that are not there, the first of many."""
    for file, fault in faults[:SHOWN]:
        print(f'  {file.segments}: {fault}')
    if len(faults) > SHOWN:
        print(f'  and {len(faults) - SHOWN} more')
    print(what)


def main() -> int:
    """Segment, or check."""
    args = parse_args()
    if args.images is not None:
        files = files_of_folder(args.images, args.out_dir)
    else:
        files = files_of_infos(args.infos, args.data_root or Path(args.infos[0]).parent, args.out_dir)
    files = files[args.shard[0] :: args.shard[1]]
    if args.check:
        faults = check_files(files, args.workers)
        missing = sum(fault == 'missing' for _, fault in faults)
        report(faults, f'{len(files)} images: {missing} without segments, {len(faults) - missing} with damaged ones')
        return int(bool(faults))
    segmenter = segmenter_of(args)
    claim_folder(Path(args.out_dir), {'method': args.method, **segmenter.settings()})
    faults = extract(files, segmenter, args.workers)
    report(faults, f'{len(files) - len(faults)} of {len(files)} images have their segments in {args.out_dir}')
    return int(bool(faults))


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
