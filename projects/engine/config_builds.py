"""Errors of constructors that say nothing of the config: the part that was being built is named with its values."""

import traceback
from collections.abc import Iterator, Mapping, Sized
from contextlib import contextmanager
from typing import Any

from mmengine.runner.base_loop import BaseLoop

_SLIPS = (AttributeError, IndexError, RuntimeError, TypeError, ZeroDivisionError)
"""What libraries raise when a value is of another kind than they expect."""
_LONGEST = 60


class ConfigError(ValueError):
    """A config that cannot be used as it is; the message names the file and the key."""


def _innermost_part(error: BaseException) -> Mapping | None:
    """Config of the innermost object that was being built when an error came up."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    parts = [frame.f_locals.get('cfg') for frame in frames if frame.f_code.co_name == 'build_from_cfg']
    return next((part for part in reversed(parts) if isinstance(part, Mapping)), None)


def _values(part: Mapping) -> str:
    """The values of a part of a config that are no parts themselves."""
    simple = {key: value for key, value in part.items() if not isinstance(value, Mapping)}
    texts = {key: repr(value) for key, value in simple.items()}
    return ', '.join(f'{key}={t if len(t) <= _LONGEST else t[:_LONGEST] + "..."}' for key, t in texts.items())


@contextmanager
def naming_part(part: Any, where: str) -> Iterator[None]:
    """Name a part of a config when its values make a constructor fail with an error that names nothing.

    Raises:
        ConfigError: For an error that a library raised; errors that say what is wrong with a value stay as they are.
    """
    try:
        yield
    except _SLIPS as error:
        if 'unexpected keyword argument' in str(error) or not isinstance(part, Mapping):
            raise
        inner = _innermost_part(error) or part
        raise ConfigError(
            f'{where} of the config cannot be built with {_values(inner)}: {type(error).__name__}: {error}'
        ) from error


def check_count(value: Any, key: str, least: int = 1) -> None:
    """Refuse a value of a config that is no count.

    Raises:
        ConfigError: If it is no integer, or less than ``least``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f'{key} must be an integer of at least {least}, got {value!r}')


def check_not_empty(loop: BaseLoop, key: str) -> BaseLoop:
    """Check that a loop has a batch.

    Args:
        loop (BaseLoop): The loop.
        key (str): Config key of its data loader.

    Returns:
        BaseLoop: The loop.

    Raises:
        ValueError: If it has none; says why.
    """
    loader = loop.dataloader
    if isinstance(loader.dataset, Sized) and len(loader) == 0:
        samples, batch = len(loader.dataset), loader.batch_size
        why = f'its data set has {samples} samples'
        if samples:
            share = len(loader.sampler) if isinstance(loader.sampler, Sized) else samples
            per_process = f', {share} of them for this process' if share < samples else ''
            why += f'{per_process}, less than one batch of {batch}, and {key}.drop_last drops what is left over'
            raise ValueError(
                f'{key} gives no batch: {why}. Lower {key}.batch_size, set {key}.drop_last=False, or use more samples '
                f'({key}.dataset.indices takes a part of them)'
            )
        raise ValueError(f'{key} gives no batch: {why}. Check {key}.dataset: ann_file, indices')
    return loop
