#!/usr/bin/env python
"""Write the initial weights of a config's model, so that several runs can start from the very same ones."""

import argparse

from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.utils import import_modules_from_strings

from projects.engine import save_checkpoint_atomic, seed_everything


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog='use: train.py CONFIG --cfg-options load_from=OUT, or model.student_ckpt=OUT'
    )
    parser.add_argument('config', help='config of a plain model')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--seed', type=int, default=0, help='seed of the weights (default 0)')
    return parser.parse_args(argv)


def main():
    """Seed, build, initialise, write."""
    args = parse_args()
    config = Config.fromfile(args.config)
    import_modules_from_strings(**config.custom_imports)
    init_default_scope(config.default_scope)
    # MMEngine would list every parameter.
    MMLogger.get_instance('init_weights', log_level='WARNING')
    seed_everything(args.seed)
    model = MODELS.build(config.model)
    model.init_weights()
    save_checkpoint_atomic({'meta': {'seed': args.seed}, 'state_dict': model.state_dict()}, args.out)
    print(f'wrote {args.out} (seed {args.seed})')


if __name__ == '__main__':
    main()
