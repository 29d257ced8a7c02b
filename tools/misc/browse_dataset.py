"""Draw what a model is given, after augmentation, with the truth in it: the check of the geometry.

Occupancy: LiDAR points and occupied voxels in all cameras, and the label. Depth: both images with the depth map.
"""

import argparse
import os

import numpy as np
from mmdet3d.registry import DATASETS
from mmengine.config import DictAction
from mmengine.registry import init_default_scope
from PIL import Image
from tqdm import tqdm

from projects.cli import ToolParser, run_tool
from projects.depth.pictures import draw_depth_inputs
from projects.engine import read_config, sample_name
from projects.fileio import atomic_write, file_below
from projects.occupancy.pictures import draw_occ_inputs, with_lidar

# Last step of a pipeline: what is added to the config of the data set, and who draws a packed sample.
TASKS = {'PackOccInputs': (with_lidar, draw_occ_inputs), 'PackDepthInputs': (dict, draw_depth_inputs)}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ToolParser(description=__doc__)
    parser.add_argument('config', help='config file with dataloaders')
    parser.add_argument('--output-dir', required=True, help='folder of the pictures')
    parser.add_argument('--num', type=int, default=10, help='number of samples, spread over the split')
    parser.add_argument('--split', default='train', choices=['train', 'val', 'test'])
    parser.add_argument('--width', type=int, default=1500, help='width of the pictures in pixels')
    parser.add_argument('--no-lidar', action='store_true', help='occupancy: read no LiDAR that the pipeline does not')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change config values')
    args = parser.parse_args()
    if args.num < 1 or args.width < 300:
        parser.error(f'--num must be at least 1 and --width at least 300, got {args.num} and {args.width}')
    return args


def main() -> None:
    """Draw samples spread evenly over the split."""
    args = parse_args()
    cfg = read_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet3d'))
    config = cfg[f'{args.split}_dataloader'].dataset
    last = config.pipeline[-1]['type']
    if last not in TASKS:
        raise SystemExit(f'{args.config}: the pipeline must end in {" or ".join(TASKS)} to be drawn, not in {last}')
    prepare, draw = TASKS[last]
    dataset = DATASETS.build(config if args.no_lidar else prepare(config))
    os.makedirs(args.output_dir, exist_ok=True)
    count = min(args.num, len(dataset))
    for index in tqdm(np.linspace(0, len(dataset) - 1, count).astype(int).tolist(), desc='pictures'):
        packed = dataset[index]
        sample = packed['data_samples']
        path = file_below(args.output_dir, f'{index:06d}_{sample_name(sample).replace("/", "_")}', '.png')
        with atomic_write(path) as file:
            picture = draw(sample, packed['inputs'], dataset.metainfo, args.width)
            Image.fromarray(picture).save(file, format='PNG')
        tqdm.write(path)
    print(f'{count} of {len(dataset)} samples are drawn in {os.path.abspath(args.output_dir)}')


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
