#!/usr/bin/env python
"""Look at occupancy in 3D: write one HTML file that opens in any browser, offline."""

import os
from pathlib import Path

from projects.cli import ToolParser, output_file, positive_int, run_tool
from projects.fileio import restricted_load
from projects.occ_eval.classes import FREE_CLASS, OCC3D
from projects.occ_eval.files import read_occ_label, read_occ_prediction
from projects.occ_eval.infos import read_info_items
from projects.occ_eval.layouts import find_occ_predictions, frames_of_scenes
from projects.reporting.viewer import ViewerFrame, cut_volumes, write_viewer


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(
        description=f'{__doc__} The volumes stand side by side under one eye; classes, frames and volumes are switched '
        'on the page, and a pixel of an image shows its ray.',
        epilog='examples: python tools/view.py PRED.npz OTHER.npz --label labels.npz --out PAGE.html; '
        'python tools/view.py --config CONFIG --index 0 --out PAGE.html; '
        'python tools/view.py FOLDER_OF_PREDICTIONS --config CONFIG --scene scene-0003 --out PAGE.html',
    )
    parser.add_argument(
        'predictions',
        nargs='*',
        help='files .npz or .npy as tools/eval_occ.py reads them; with --config also folders in its layouts',
    )
    parser.add_argument('--names', nargs='+', metavar='NAME', help='one for each of the predictions; default: of files')
    parser.add_argument('--label', metavar='LABEL.npz', help='labels.npz of Occ3D, for files without --config')
    parser.add_argument(
        '--mask', choices=['camera', 'lidar'], help='draw only the voxels in this mask of the label; default: all'
    )
    data = parser.add_argument_group('samples of a data set, with label, images and cameras')
    data.add_argument('--config', help='config file, or the name of one in configs/')
    data.add_argument('--split', choices=['train', 'val', 'test'], default='val', help='default: %(default)s')
    data.add_argument('--data-root', help='root of the data set; default: that of the config')
    chosen = data.add_mutually_exclusive_group()
    chosen.add_argument('--token', nargs='+', help='sample tokens; several are frames to scrub through')
    chosen.add_argument('--index', nargs='+', type=int, metavar='N', help='places in the split, from 0')
    chosen.add_argument('--scene', help='all samples of a scene, by its name or token')
    data.add_argument('--image-width', type=positive_int, default=480, metavar='PX', help='default: %(default)s')
    parser.add_argument('--title', help='title of the page')
    parser.add_argument('--out', type=output_file, required=True, metavar='PAGE.html', help='the file that is written')
    args = parser.parse_args(argv)
    check_args(parser, args)
    return args


def check_args(parser, args):
    """Stop where flags do not go together."""
    chosen = args.token or args.index is not None or args.scene
    if args.config is None:
        if chosen or args.data_root:
            parser.error('--token, --index, --scene and --data-root need --config')
        if not (args.predictions or args.label):
            parser.error('give files of predictions, --label or --config')
        if args.mask and not args.label:
            parser.error('--mask needs --label or --config')
    else:
        if args.label:
            parser.error('--label is for files alone; a data set has its own labels')
        if not chosen:
            parser.error('--config needs --token, --index or --scene')
    if args.names is not None and len(args.names) != len(args.predictions):
        parser.error(f'--names needs one name for each of the {len(args.predictions)} predictions')


def names_of(paths):
    """Names of files or folders: as many of their last parts as tell them apart, without the endings .npz and .npy."""
    parts = [Path(os.path.abspath(path)).with_suffix('').parts for path in paths]
    for depth in range(1, max(map(len, parts), default=1) + 1):
        names = ['/'.join(part[-depth:]) for part in parts]
        if len({*names, 'label'}) == len(names) + 1:
            return names
    raise ValueError('two of the predictions are the same file; give each once')


def frames_of_files(args, names):
    """One frame of files alone, on the grid of Occ3D-nuScenes."""
    volumes, mask = {}, None
    if args.label:
        volumes['label'], masks = read_occ_label(args.label, [args.mask] if args.mask else [])
        mask = masks.get(args.mask)
    folder = next(filter(os.path.isdir, args.predictions), None)
    if folder:
        raise ValueError(f'{folder} is a folder; give its files, or --config with --scene or --token to say which')
    volumes.update({name: read_occ_prediction(path) for name, path in zip(names, args.predictions)})
    return [ViewerFrame('', cut_volumes(volumes, mask, FREE_CLASS))], OCC3D


def prediction_files(path, ann_file, tokens):
    """Files of predictions by token: those of a folder, or a file for a single sample."""
    if not os.path.isdir(path):
        if len(tokens) > 1:
            raise ValueError(f'{path} is not a folder: for {len(tokens)} samples give folders of predictions')
        return {tokens[0]: path}
    items = read_info_items(restricted_load(ann_file), ann_file)
    found = find_occ_predictions(path, tokens, frames_of_scenes(items))
    problems = [problem for problem in found.problems if problem['token'] in tokens]
    if problems:
        raise ValueError(f'{problems[0]["file"]}: {problems[0]["error"]}')
    return found.paths


def frames_of_samples(args, names):
    """Frames of a data set, each with its label and the predictions that there are for it."""
    from projects.studies import viewer  # needs torch and MMDetection3D, which files alone do not

    dataset = viewer.open_dataset(args.config, args.split, args.data_root)
    indices = viewer.choose_samples(dataset, args.token, args.index, args.scene)
    tokens = [dataset.frame(index)['token'] for index in indices]
    files = {name: prediction_files(path, dataset.ann_file, tokens) for name, path in zip(names, args.predictions)}
    frames = []
    for index, token in zip(indices, tokens):
        volumes = {name: read_occ_prediction(paths[token]) for name, paths in files.items() if token in paths}
        frames.append(viewer.sample_frame(dataset, index, volumes, args.mask, args.image_width))
    return frames, dataset.spec


def title_of(scene, frames):
    """Title of the page where the command line gives none."""
    return f'Occupancy {scene or (frames[0].name if len(frames) == 1 else "")}'.strip()


def main(argv=None):
    """Read, write the page, say where it is."""
    args = parse_args(argv)
    names = args.names or names_of(args.predictions)
    if len({*names, 'label'}) != len(names) + 1:
        raise ValueError(f'--names must differ from each other and from label, got {" ".join(names)}')
    frames, spec = (frames_of_samples if args.config else frames_of_files)(args, names)
    write_viewer(args.out, frames, spec, args.title or title_of(args.scene, frames))
    count = f'{len(frames)} frames are' if len(frames) > 1 else '1 frame is'
    print(f'{count} in {args.out} ({args.out.stat().st_size / 1e6:.1f} MB): open it in a browser')


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
