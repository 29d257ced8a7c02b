#!/usr/bin/env python
"""Print a config with its bases merged: python tools/misc/print_config.py CONFIG."""

from pathlib import Path

from mmengine.config import DictAction

from projects.cli import ToolParser, run_tool
from projects.engine import read_config


def main():
    """Merge, check and print."""
    parser = ToolParser(description='Print a config with its bases and options merged.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--save-path', type=Path, help='also write it to this .py, .json or .yml file')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change config values')
    args = parser.parse_args()
    if args.save_path is not None and args.save_path.suffix not in ('.py', '.json', '.yml'):
        parser.error(f'--save-path must end with .py, .json or .yml, got {args.save_path}')
    cfg = read_config(args.config, args.cfg_options)
    print(f'Config:\n{cfg.pretty_text}')
    if args.save_path is not None:
        args.save_path.parent.mkdir(parents=True, exist_ok=True)
        cfg.dump(args.save_path)


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
