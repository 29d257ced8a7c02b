#!/usr/bin/env python
"""Turn the checkpoint of a distillation into one of the plain student: extract_student.py IN OUT."""

from projects.cli import ToolParser, run_tool
from projects.engine import CheckpointError, load_checkpoint_safe, save_checkpoint_atomic

PREFIX = 'student.'


def extract_student(path, raw=False):
    """Return the student's weights and what is worth keeping of the meta data.

    Args:
        path (str): Checkpoint written while a Distiller was trained.
        raw (bool): Take the weights of the last step when EMA was on. Defaults to False (the averaged ones).

    Returns:
        dict: ``meta`` and ``state_dict``.

    Raises:
        CheckpointError: If there is no student in it, or no raw weights although they are wanted.
    """
    checkpoint = load_checkpoint_safe(path)
    prefix, state_dict = PREFIX, checkpoint['state_dict']
    if raw and 'ema_state_dict' in checkpoint:
        # EMAHook swaps the two when it saves: state_dict has the averaged weights, ema_state_dict the others.
        prefix, state_dict = f'module.{PREFIX}', checkpoint['ema_state_dict']
    student = {key[len(prefix) :]: value for key, value in state_dict.items() if key.startswith(prefix)}
    if not student:
        raise CheckpointError(
            f"{path} holds no weights that begin with '{PREFIX}': it is not the checkpoint of a distillation "
            f'(its first keys: {sorted(state_dict)[:5]})'
        )
    kept = ('epoch', 'iter', 'seed', 'time', 'experiment_name', 'dataset_meta', 'teacher', 'mmengine_version')
    meta = {key: checkpoint['meta'][key] for key in kept if key in checkpoint['meta']}
    return {'meta': meta, 'state_dict': student}


def main():
    """Read, strip and write."""
    parser = ToolParser(
        description='Keep only the student of a distilled checkpoint, so that the plain student config loads it.'
    )
    parser.add_argument('in_file', help='checkpoint of a distillation')
    parser.add_argument('out_file', help='checkpoint of the student to write')
    parser.add_argument('--raw', action='store_true', help='with EMA: weights of the last step, not the averaged ones')
    args = parser.parse_args()
    student = extract_student(args.in_file, args.raw)
    save_checkpoint_atomic(student, args.out_file)
    print(f'{args.out_file}: {len(student["state_dict"])} tensors of the student')


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
