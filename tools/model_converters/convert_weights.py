#!/usr/bin/env python
"""Turn released weights of another code base into a checkpoint for one of our configs."""

from pathlib import Path

from mmdet3d.registry import MODELS
from mmengine.config import DictAction
from mmengine.registry import init_default_scope

from projects.cli import ToolParser, run_tool
from projects.engine import (
    file_sha256,
    load_checkpoint_safe,
    naming_config_keys,
    read_config,
    save_checkpoint_atomic,
)
from projects.occupancy.weights import SOURCES, convert_weights


def parse_args():
    """Read the command line."""
    parser = ToolParser(
        description=__doc__, epilog='use: test.py CONFIG OUT, or train.py CONFIG --cfg-options load_from=OUT'
    )
    parser.add_argument('source', choices=sorted(SOURCES), help='code base that wrote the file')
    parser.add_argument('in_file', help='its checkpoint')
    parser.add_argument('out_file', help='checkpoint to write')
    parser.add_argument('--config', required=True, help='our config of the model; of a distillation, its student')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change config values')
    return parser.parse_args()


def build_plain(config):
    """Build the plain model of a config, for the names and shapes of its weights.

    Returns:
        tuple[nn.Module, dict, str]: The model (of a distillation, the student), its config, and its place.
    """
    distils = 'student' in config.model
    model_cfg, key = (config.model.student, 'model.student') if distils else (config.model, 'model')
    init_default_scope(config.default_scope)
    with naming_config_keys(model_cfg, key):
        return MODELS.build(model_cfg), model_cfg, key


def main():
    """Read, convert, check, write."""
    args = parse_args()
    model, model_cfg, key = build_plain(read_config(args.config, args.cfg_options))
    state_dict = load_checkpoint_safe(args.in_file)['state_dict']
    source = SOURCES[args.source]
    converted = convert_weights(state_dict, source, model, model_cfg, args.in_file, key)
    origin = {'source': source.title, 'file': Path(args.in_file).name, 'sha256': file_sha256(args.in_file)}
    save_checkpoint_atomic({'meta': {'origin': origin}, 'state_dict': converted.state_dict}, args.out_file)
    print(f'{args.in_file} ({source.title}): {len(state_dict)} tensors', *converted.report, sep='\n')
    print(f'wrote {args.out_file}')
    if converted.left_out:
        parts = ','.join(converted.left_out)
        print(
            f'To train from it, name what it lacks: --cfg-options load_from={args.out_file} '
            f'load_from_allow_missing={parts}; under a teacher, model.student_ckpt={args.out_file} '
            f'model.student_ckpt_allow_missing={parts}'
        )


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
