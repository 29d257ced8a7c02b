"""What a loaded checkpoint must be before anything looks at its values: finite, plain, of the size of its file."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from projects.fileio import advice, check_structure, limit

MAX_VALUES = 1 << 22
"""Values of a checkpoint besides the numbers of its tensors: the state of an optimizer with 1000 weights has 30000."""
EXPANDED_BYTES = 1 << 30
"""Bytes that tensors may have beyond twice those that are stored: weights may be shared, and small ones expanded."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names the file and says what to do."""


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """All tensors inside lists and dicts, which do not hold themselves."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (Mapping, list, tuple, set, frozenset)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _tensors(item)


def _check_tensors(checkpoint: Any, path: str, archived: int | None) -> None:
    stored, total, seen = {}, 0, set()
    for tensor in _tensors(checkpoint):
        if tensor.layout != torch.strided:
            raise CheckpointError(f'{path} holds a sparse tensor, which no model of ours has; use another checkpoint')
        storage = tensor.untyped_storage()
        stored[storage._cdata] = storage.nbytes()
        if id(tensor) not in seen:
            seen.add(id(tensor))
            total += tensor.numel() * tensor.element_size()
    kept = sum(stored.values())
    if archived is not None and kept > archived:
        raise CheckpointError(f'{path} is corrupt: its tensors need {kept} bytes, but it holds {archived}')
    if total > 2 * kept + limit(EXPANDED_BYTES):
        raise CheckpointError(
            f'{path} holds {kept} bytes of tensors that stand for {total} bytes, as their values are used again and '
            f'again; use another checkpoint, or {advice(total / EXPANDED_BYTES)}'
        )


def check_content(checkpoint: Any, path: str, archived: int | None) -> None:
    """Refuse a checkpoint that holds itself, unfolds without end, or stands for more bytes than it holds.

    Args:
        checkpoint (Any): As ``torch.load`` returned it.
        path (str): Its name, for messages.
        archived (int | None): Bytes in the file, None if it does not say (the format before torch 1.6).

    Raises:
        CheckpointError: If it is one.
    """
    try:
        check_structure(checkpoint, path, MAX_VALUES)
    except ValueError as error:
        raise CheckpointError(str(error)) from None
    _check_tensors(checkpoint, path, archived)


def check_parts(checkpoint: Mapping[str, Any], path: str) -> None:
    """Refuse parts of another kind than every checkpoint has.

    Raises:
        CheckpointError: If ``meta`` is no dict, or a weight has no name; the message says which.
    """
    if not isinstance(checkpoint['meta'], dict):
        raise CheckpointError(
            f"{path}: 'meta' must be a dict, got {type(checkpoint['meta']).__name__}; use another checkpoint"
        )
    wrong = next((name for name in checkpoint['state_dict'] if not isinstance(name, str)), None)
    if wrong is not None:
        raise CheckpointError(f"{path}: names in 'state_dict' must be text, got {wrong!r}; use another checkpoint")
