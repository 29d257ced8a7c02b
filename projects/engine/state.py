"""State of a run as plain data on the CPU, as checkpoints hold it."""

from collections.abc import Callable
from typing import Any

from mmengine.logging import MessageHub

from .checkpoint import to_plain


def scheduler_states(schedulers: Any) -> Any:
    """States of the schedulers: a list, or lists by the name of the optimizer."""
    if isinstance(schedulers, dict):
        return {name: [s.state_dict() for s in group] for name, group in schedulers.items()}
    return [scheduler.state_dict() for scheduler in schedulers]


def plain_message_hub(hub: MessageHub, warn: Callable[[str], Any]) -> dict[str, Any]:
    """State of the message hub.

    Args:
        hub (MessageHub): The hub.
        warn (Callable): Told about entries that are no plain data, which are left out.

    Returns:
        dict: ``log_scalars``, ``runtime_info`` and ``resumed_keys``.
    """
    state = hub.state_dict()
    plain: dict[str, Any] = {'log_scalars': to_plain(dict(state['log_scalars'])), 'runtime_info': {}}
    for key, value in state['runtime_info'].items():
        try:
            plain['runtime_info'][key] = on_cpu(to_plain(value, key))
        except TypeError as error:
            warn(f'Message hub entry left out of the checkpoint: {error}')
    kept = plain['log_scalars'].keys() | plain['runtime_info'].keys()
    plain['resumed_keys'] = {k: bool(v) for k, v in state['resumed_keys'].items() if k in kept}
    return plain


def on_cpu(value: Any) -> Any:
    """Move the tensors of a plain state to the CPU."""
    if hasattr(value, 'cpu'):
        return value.cpu()
    if isinstance(value, dict):
        return type(value)((key, on_cpu(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return type(value)(on_cpu(item) for item in value)
    return value
