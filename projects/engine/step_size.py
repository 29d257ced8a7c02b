"""Samples of an optimizer step and iterations of an epoch: what rate and schedules are made for, and what a run has."""

import math
from collections.abc import Mapping
from typing import Any

_FACTORS = ('processes', 'train_dataloader.batch_size', 'optim_wrapper.accumulative_counts')


def step_samples(values: Mapping[str, Any]) -> int | None:
    """Samples of an optimizer step: processes x batch size x batches that are accumulated.

    Args:
        values (Mapping[str, Any]): Values of a config by path, and ``processes``.

    Returns:
        int or None: Their number; None where it cannot be told.
    """
    if 'processes' not in values or 'train_dataloader.batch_size' not in values:
        return None
    factors = [values.get(name, 1) for name in _FACTORS]
    known = [factor for factor in factors if isinstance(factor, int) and factor > 0]
    return math.prod(known) if len(known) == len(factors) else None


def counts_for(wanted: int, per_iteration: int) -> str:
    """The option that gives a step this many samples; empty where no number of accumulated batches does."""
    if wanted % per_iteration:
        return ''
    return f'optim_wrapper.accumulative_counts={wanted // per_iteration}'


def other_step_size(processes: int, batch: int, counts: int, base: int) -> str | None:
    """Say that a step has another number of samples than the learning rate is made for, and what to do.

    Args:
        processes (int): Processes of the run.
        batch (int): Samples of each in an iteration.
        counts (int): Iterations that are accumulated.
        base (int): ``auto_scale_lr.base_batch_size``.

    Returns:
        str or None: The warning; None when the numbers agree.
    """
    samples = processes * batch * counts
    if samples == base:
        return None
    option = counts_for(base, processes * batch)
    return (
        f'a step has {samples} samples ({processes} processes x batch {batch} x {counts} accumulated), but the '
        f'learning rate is made for {base} (auto_scale_lr.base_batch_size): '
        + (f'set {option} to keep them, or ' if option else '')
        + 'give --auto-scale-lr to scale the rate'
    )


def with_scaled_floor(schedulers: Any, ratio: float) -> Any:
    """Configs of schedulers whose lowest rate (``eta_min``) is scaled as the rate is; what has none stays.

    Args:
        schedulers (Any): ``param_scheduler`` of a config: one, a list, or one of these by optimizer.
        ratio (float): Factor on the learning rate.
    """
    if isinstance(schedulers, (list, tuple)):
        return [with_scaled_floor(entry, ratio) for entry in schedulers]
    if not isinstance(schedulers, Mapping):
        return schedulers
    if 'type' not in schedulers:
        return {name: with_scaled_floor(entry, ratio) for name, entry in schedulers.items()}
    if not schedulers.get('eta_min') or not str(schedulers['type']).endswith('LR'):
        return schedulers
    return {**schedulers, 'eta_min': schedulers['eta_min'] * ratio}


def scheduler_at(saved: Mapping[str, Any], fresh: Mapping[str, Any], iteration: int) -> dict[str, Any]:
    """State of a scheduler that counts iterations, moved to a run whose epochs have another length.

    Args:
        saved (Mapping[str, Any]): State in the checkpoint.
        fresh (Mapping[str, Any]): State of the scheduler as this run builds it, with its begin, end and lengths.
        iteration (int): Iterations of this run that are behind it.

    Returns:
        dict[str, Any]: Lengths of ``fresh``, values of ``saved``, and the counters of MMEngine's ``_ParamScheduler``
        after that many iterations.
    """
    last_step = max(-1, min(iteration, fresh['end'] - 1) - fresh['begin'])
    values = {name: saved[name] for name in ('base_values', '_last_value') if name in saved}
    return {**fresh, **values, '_global_step': iteration, 'last_step': last_step}


def schedulers_at(saved: Any, fresh: Any, configs: Any, iteration: int) -> Any:
    """States of the schedulers of a checkpoint for a run whose epochs have another length.

    Only those that the config gives in epochs and that count iterations (``convert_to_iter_based``) are moved: by
    :func:`scheduler_at`. The others count epochs, or iterations that the config names.

    Args:
        saved (Any): States in the checkpoint, a list.
        fresh (Any): States of the schedulers as this run builds them.
        configs (Any): ``param_scheduler`` of the config: one or a list.
        iteration (int): Iterations of this run that are behind it.
    """
    configs = [configs] if isinstance(configs, Mapping) else configs
    if not (isinstance(saved, list) and isinstance(fresh, list) and isinstance(configs, (list, tuple))):
        return saved
    return [
        scheduler_at(old, new, iteration) if config.get('convert_to_iter_based') and not old['by_epoch'] else old
        for old, new, config in zip(saved, fresh, configs)
    ]
