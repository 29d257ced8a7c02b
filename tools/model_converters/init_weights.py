#!/usr/bin/env python
"""Write the initial weights of a config's model, so that several runs can start from the very same ones."""

from mmdet3d.registry import MODELS
from mmengine.config import DictAction
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from projects.cli import ToolParser, run_tool
from projects.engine import naming_config_keys, read_config, save_checkpoint_atomic, seed_everything


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(
        description=__doc__, epilog='use: train.py CONFIG --cfg-options load_from=OUT, or model.student_ckpt=OUT'
    )
    parser.add_argument('config', help='config of a plain model')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change config values, e.g. model.img_backbone.init_cfg.checkpoint=resnet50.pth',
    )
    parser.add_argument('--seed', type=int, default=0, help='seed of the weights (default 0)')
    return parser.parse_args(argv)


def main():
    """Seed, build, initialise, write."""
    args = parse_args()
    config = read_config(args.config, args.cfg_options)
    init_default_scope(config.default_scope)
    # MMEngine would list every parameter.
    MMLogger.get_instance('init_weights', log_level='WARNING')
    seed_everything(args.seed)
    with naming_config_keys(config.model, 'model'):
        model = MODELS.build(config.model)
        model.init_weights()
    save_checkpoint_atomic({'meta': {'seed': args.seed}, 'state_dict': model.state_dict()}, args.out)
    print(f'wrote {args.out} (seed {args.seed})')


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
