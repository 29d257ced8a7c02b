"""Where a run can go on from, and what it must share with the run it continues."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .checkpoint import CheckpointError, load_checkpoint_safe, to_plain
from .config_places import walk
from .step_size import counts_for, step_samples

CONFIG_KEY = 'config_values'
"""Key of a checkpoint's meta with the values below :data:`COMPARED`, as plain data. Its text is never evaluated."""
COMPARED = ('model', 'optim_wrapper', 'param_scheduler', 'train_dataloader', 'train_cfg', 'randomness', 'auto_scale_lr')
_NEEDED = ('state_dict', 'optimizer', 'message_hub')
_HUB_KEYS = ('log_scalars', 'runtime_info', 'resumed_keys')
_FROM_CHECKPOINT = ('optim_wrapper.optimizer', 'param_scheduler')
_SHOWN = 20
_LONGEST_PATH = 4096
_SET_BACK = 'set it back, or start from the weights with load_from instead of --resume'


def config_values(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values of a config that decide how training goes on.

    Returns:
        dict[str, Any]: Simple values by path; what is no plain data is its text.
    """
    values = {}
    for key in COMPARED:
        for path, _, value in [(key, key, cfg.get(key)), *walk(cfg.get(key), key)]:
            if not isinstance(value, (Mapping, list, tuple)):
                try:
                    values[path] = to_plain(value)
                except TypeError:
                    values[path] = str(value)
    return values


def config_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Lines ``path: old -> new`` for all values that differ; paths that one side lacks have None there."""
    paths = [*before, *(path for path in now if path not in before)]
    return [f'{path}: {before.get(path)} -> {now.get(path)}' for path in paths if before.get(path) != now.get(path)]


def describe_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Say what differs between the config of a checkpoint and the current one, and which side counts.

    Returns:
        str or None: The message; None when nothing differs.
    """
    lines = config_differences(before, now)
    if not lines:
        return None
    kept = [line for line in lines if line.startswith(_FROM_CHECKPOINT)]
    shown = [f'  {line}' for line in lines[:_SHOWN]]
    shown += [f'  and {len(lines) - _SHOWN} more'] if len(lines) > _SHOWN else []
    note = (
        '  Optimizer and schedulers go on with the values of the checkpoint, learning rate included; to begin with '
        'other ones, start from its weights with load_from instead of --resume.'
    )
    notes = [note] if kept else []
    had, has = step_samples(before), step_samples(now)
    if had and has and had != has:
        option = counts_for(had, has // (now.get('optim_wrapper.accumulative_counts') or 1))
        notes.append(
            f'  A step has {has} samples and had {had}, at the learning rate of the checkpoint'
            + (f'; {option} keeps {had}.' if option else '.')
        )
    return '\n'.join(['resumed with another config than that of the checkpoint:', *shown, *notes])


def check_resumable_into(checkpoint: Mapping[str, Any], path: str, cfg: Mapping[str, Any]) -> None:
    """Refuse to go on where the state of the checkpoint has no place in the run.

    Raises:
        CheckpointError: If optimizer or schedulers are others, or more epochs are done than the config wants.
    """
    before = checkpoint['meta'].get(CONFIG_KEY) or {}
    now = config_values(cfg)
    key = 'optim_wrapper.optimizer.type'
    if before and before.get(key) != now.get(key):
        raise CheckpointError(
            f'{path} holds the state of the optimizer {before.get(key)}, but {key} is {now.get(key)} now; {_SET_BACK}'
        )
    saved, wanted = checkpoint.get('param_schedulers'), cfg.get('param_scheduler')
    count = len(wanted) if isinstance(wanted, (list, tuple)) else 1 if wanted else 0
    if isinstance(saved, list) and len(saved) != count:
        raise CheckpointError(
            f'{path} holds the state of {len(saved)} schedulers, but param_scheduler has {count} now; {_SET_BACK}'
        )
    kinds = [(before.get(f'param_scheduler[{i}].type'), now.get(f'param_scheduler[{i}].type')) for i in range(count)]
    other = [f'{old} -> {new}' for old, new in kinds if before and old != new]
    if other:
        raise CheckpointError(
            f'{path} holds the state of other schedulers than param_scheduler has now: {", ".join(other)}; {_SET_BACK}'
        )
    done, epochs = checkpoint['meta'].get('epoch'), (cfg.get('train_cfg') or {}).get('max_epochs')
    if isinstance(done, int) and isinstance(epochs, int) and done > epochs:
        raise CheckpointError(f'{path} has {done} epochs behind it, more than train_cfg.max_epochs = {epochs}')


def list_checkpoints(work_dir: str | os.PathLike) -> list[Path]:
    """Checkpoints of a work directory that a run could go on from, newest first; whole or not.

    A link whose checkpoint is gone, such as a ``latest.pth``, is none.
    """
    files = [path for path in Path(work_dir).glob('*.pth') if not path.name.startswith('best_') and path.is_file()]
    return sorted(files, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def find_resumable(work_dir: str | os.PathLike, warn: Callable[[str], Any]) -> str | None:
    """Newest whole checkpoint of a work directory.

    Args:
        work_dir (str or PathLike): The work directory.
        warn (Callable): Told about each checkpoint that is skipped.

    Returns:
        str or None: Path of the checkpoint; None when there is no checkpoint.

    Raises:
        CheckpointError: If there are checkpoints, and none can be used.
    """
    candidates = list_checkpoints(work_dir)
    pointed = _named_last(Path(work_dir))
    if pointed is not None:
        candidates = [pointed, *(other for other in candidates if other.resolve() != pointed.resolve())]
    for path in candidates:
        try:
            check_resumable(load_checkpoint_safe(path), path)
            return str(path)
        except CheckpointError as error:
            warn(f'Skipped on resume: {error}')
    if candidates:
        raise CheckpointError(
            f'none of the {len(candidates)} checkpoints in {work_dir} can be resumed from (see the warnings); '
            f'delete them or use another --work-dir to start from the beginning'
        )
    return None


def _named_last(work_dir: Path) -> Path | None:
    """The checkpoint that ``last_checkpoint`` names.

    A file of that name in the folder itself goes first: in a copied folder the full path leads to the run that it was
    copied from, which may have gone on or have been trained anew.
    """
    pointer = work_dir / 'last_checkpoint'
    if not pointer.is_file():
        return None
    with pointer.open('rb') as file:
        name = file.read(_LONGEST_PATH + 1).decode('utf-8', 'replace').strip()
    places = [work_dir / Path(name).name, Path(name)] if name else []
    for path in places:
        try:
            if path.is_file():
                return path
        except (OSError, ValueError):  # too long, or with a zero byte: no path
            return None
    return None


def check_resumable(checkpoint: Mapping[str, Any], path: str | Path) -> None:
    """Stop unless training can continue from a checkpoint.

    Raises:
        CheckpointError: If a part is missing or of another kind.
    """
    absent = [key for key in _NEEDED if key not in checkpoint]
    if absent or 'epoch' not in checkpoint['meta']:
        raise CheckpointError(
            f"{path} cannot be resumed from: it lacks {absent or ['meta.epoch']} (checkpoints named 'best_*' and "
            f'published ones hold weights only); resume from epoch_N.pth or start from it with load_from'
        )
    for key, kind in (('optimizer', dict), ('param_schedulers', (list, dict)), ('message_hub', dict)):
        if key in checkpoint and not isinstance(checkpoint[key], kind):
            found = type(checkpoint[key]).__name__
            raise CheckpointError(f'{path} cannot be resumed from: its {key!r} is {found}; resume from another one')
    lost = [key for key in _HUB_KEYS if not isinstance(checkpoint['message_hub'].get(key), dict)]
    if lost:
        raise CheckpointError(
            f"{path} cannot be resumed from: its 'message_hub' lacks {', '.join(lost)}; resume from another one"
        )
    _check_optimizer_state(checkpoint['optimizer'], path)
    _check_meta(checkpoint['meta'], path)


def _check_meta(meta: Mapping[str, Any], path: str | Path) -> None:
    """Check the numbers of a run, and the config values to compare with."""
    seed, values = meta.get('seed'), meta.get(CONFIG_KEY)
    counts = {'epoch': meta.get('epoch'), 'iter': meta.get('iter', 0), 'seed': 0 if seed is None else seed}
    for key, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise CheckpointError(
                f'{path} cannot be resumed from: its meta.{key} must be a count, got {value!r}; resume from another one'
            )
    if not isinstance(values, (dict, type(None))):
        raise CheckpointError(
            f'{path} cannot be resumed from: its meta.{CONFIG_KEY} must be a dict, got {type(values).__name__}; resume '
            'from another one'
        )


def _check_optimizer_state(state: Mapping[str, Any], path: str | Path) -> None:
    """Check the state of an optimizer, or of several by name."""
    for part in [state] if 'param_groups' in state else list(state.values()) or [state]:
        if not isinstance(part, Mapping) or 'param_groups' not in part:
            raise CheckpointError(
                f"{path} cannot be resumed from: its 'optimizer' lacks param_groups; resume from another one"
            )
        state_of = part.get('state') or {}
        if not isinstance(state_of, Mapping) or not all(isinstance(entry, Mapping) for entry in state_of.values()):
            raise CheckpointError(
                f"{path} cannot be resumed from: the state in its 'optimizer' is not by parameter; resume from another"
            )
        for value in (value for entry in state_of.values() for value in entry.values()):
            if isinstance(value, Tensor) and value.is_floating_point() and not bool(torch.isfinite(value).all()):
                raise CheckpointError(
                    f"{path} cannot be resumed from: its 'optimizer' holds NaN or infinity; resume from another one"
                )
