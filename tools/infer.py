#!/usr/bin/env python
"""Predict with a trained model, for samples of its data set or for images of your own."""

from pathlib import Path

import torch
from mmdet3d.registry import MODELS
from mmengine.config import DictAction

from projects.cli import ToolParser, positive_number, run_tool
from projects.depth import DepthInferencer
from projects.depth.models import BaseDepthModel
from projects.engine import device_problem, find_config, import_modules_of, plain_model, read_config
from projects.occupancy import OccInferencer
from projects.occupancy.frames import find_frames

SOURCES = ('token', 'index', 'images', 'image')
NEEDS = {'images': ('calib',), 'image': ('intrinsics',)}
OCCUPANCY_ONLY = ('images', 'calib', 'probabilities', 'render_height')
DEPTH_ONLY = ('image', 'intrinsics', 'right_image', 'baseline')


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(
        description=f'{__doc__} Files go to OUT: preds as tools/eval_occ.py and tools/eval_depth.py read them, vis '
        'with pictures, and what else is asked for. docs/inference.md shows more.',
        epilog='examples: python tools/infer.py CONFIG CKPT --index 0 1 --out-dir OUT; '
        'python tools/infer.py CONFIG CKPT --images FOLDER --calib RIG.json --out-dir OUT; '
        'python tools/infer.py CONFIG CKPT --image LEFT.png --intrinsics 720 720 610 173 --out-dir OUT',
    )
    parser.add_argument('config', help='config file, or the name of one in configs/')
    parser.add_argument('checkpoint', help='its checkpoint; that of a distillation gives the student')
    data = parser.add_argument_group('samples of the test set of the config')
    data.add_argument('--token', nargs='+', help='sample tokens (occupancy) or frame ids (depth)')
    data.add_argument('--index', nargs='+', type=int, metavar='N', help='places in the test set, from 0')
    data.add_argument('--data-root', help='root of the data set; default: that of the config')
    rig = parser.add_argument_group('occupancy of your own images')
    rig.add_argument('--images', metavar='DIR', help='<camera>.jpg or .png, or a folder of these for each frame')
    rig.add_argument('--calib', metavar='F.json', help='{camera: {"intrinsic": 3x3, "sensor2ego": 4x4}}')
    rig.add_argument('--probabilities', action='store_true', help='write the probability of every class as well')
    rig.add_argument(
        '--render-height', type=int, metavar='H', help='render depth and semantics through each camera, H pixels high'
    )
    depth = parser.add_argument_group('depth of your own images')
    depth.add_argument('--image', nargs='+', metavar='FILE', help='images of one camera')
    depth.add_argument(
        '--intrinsics', nargs=4, type=float, metavar=('FX', 'FY', 'CX', 'CY'), help='in pixels of the images'
    )
    depth.add_argument('--right-image', nargs='+', metavar='FILE', help='right images, for models of pairs')
    depth.add_argument('--baseline', type=positive_number, metavar='M', help='between the cameras of a pair, in metres')
    parser.add_argument('--out-dir', type=Path, metavar='OUT', help='where files are written')
    parser.add_argument('--show', action='store_true', help='show the pictures; the space bar goes on')
    parser.add_argument('--batch-size', type=int, default=1, metavar='N', help='default: %(default)s')
    parser.add_argument('--device', help="'cpu', 'cuda', 'cuda:1'; default: CUDA where there is one")
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change config values')
    args = parser.parse_args(argv)
    check_args(parser, args)
    return args


def check_args(parser, args):
    """Stop where flags do not go together."""
    given = [name for name in SOURCES if getattr(args, name) is not None]
    if len(given) != 1:
        parser.error(f'give one of {", ".join(f"--{name}" for name in SOURCES)}')
    for name in NEEDS.get(given[0], ()):
        if getattr(args, name) is None:
            parser.error(f'--{given[0]} needs --{name}')
    if args.out_dir is None and not args.show:
        parser.error('give --out-dir, --show or both: there would be no result')
    if (args.right_image is None) != (args.baseline is None) or len(args.right_image or ()) not in (
        0,
        len(args.image or ()),
    ):
        parser.error('--right-image and --baseline go together, with one right image for each of --image')
    if args.batch_size < 1:
        parser.error('--batch-size must be at least 1')
    reason = device_problem(args.device) if args.device else None
    if reason:
        parser.error(f'--device {args.device} cannot be used with torch {torch.__version__}: {reason}')


def inferencer_class(config):
    """Class of the inferencer for the model of a config."""
    import_modules_of(config)
    model = MODELS.get(plain_model(config.model)['type'])
    return DepthInferencer if isinstance(model, type) and issubclass(model, BaseDepthModel) else OccInferencer


def inputs_of(args):
    """What the command line names: tokens, indices or frames."""
    if args.images is not None:
        frames = find_frames(args.images)
        return [{'token': token, 'images': images, 'calibration': args.calib} for token, images in frames.items()]
    if args.image is None:
        return args.token or args.index
    fx, fy, cx, cy = args.intrinsics
    intrinsics = [[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]
    rights = [{'right_image': path, 'baseline': args.baseline} for path in args.right_image or ()]
    return [
        {'frame_id': Path(path).stem, 'image': path, 'intrinsics': intrinsics, **right}
        for path, right in zip(args.image, rights or [{}] * len(args.image))
    ]


def main():
    """Build, predict, write."""
    args = parse_args()
    config = read_config(find_config(args.config), args.cfg_options)
    kind = inferencer_class(config)
    for name in OCCUPANCY_ONLY if kind is DepthInferencer else DEPTH_ONLY:
        if getattr(args, name):
            task = 'depth' if kind is DepthInferencer else 'occupancy'
            raise SystemExit(f'--{name.replace("_", "-")} is not for {args.config}, which predicts {task}')
    inferencer = kind(config, args.checkpoint, args.device, args.data_root)
    options = {} if kind is DepthInferencer else {key: getattr(args, key) for key in ('probabilities', 'render_height')}
    inputs = inputs_of(args)
    inferencer(inputs, False, args.batch_size, args.out_dir, args.show, return_preds=False, **options)
    if args.out_dir is not None:
        folders = sorted(path.name for path in args.out_dir.iterdir() if path.is_dir())
        print(f'{len(inputs)} samples are in {args.out_dir}: {", ".join(folders)}')


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
