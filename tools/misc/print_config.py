#!/usr/bin/env python
"""Print a config with its bases merged: python tools/misc/print_config.py CONFIG."""

import argparse
from pathlib import Path

from mmengine.config import Config, DictAction

from projects.engine import check_config_keys


def main():
    """Merge, check and print."""
    parser = argparse.ArgumentParser(description='Print a config with its bases and options merged.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--save-path', type=Path, help='also write it to this .py, .json or .yml file')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change config values')
    args = parser.parse_args()
    if args.save_path is not None and args.save_path.suffix not in ('.py', '.json', '.yml'):
        parser.error(f'--save-path must end with .py, .json or .yml, got {args.save_path}')
    cfg = Config.fromfile(args.config)
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    check_config_keys(cfg)
    print(f'Config:\n{cfg.pretty_text}')
    if args.save_path is not None:
        args.save_path.parent.mkdir(parents=True, exist_ok=True)
        cfg.dump(args.save_path)


if __name__ == '__main__':
    main()
