"""What the steps of a model must return; an error names the model and the method to mend."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor


def describe(value: Any) -> str:
    """A value in the words of a message: the shape of a tensor, else its type."""
    return f'a tensor {tuple(value.shape)}' if isinstance(value, Tensor) else type(value).__name__


def _expect_dict(value: Any, model: Any, method: str, example: str) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    hint = '; is there a return statement?' if value is None else ''
    raise TypeError(f'{type(model).__name__}.{method} must return a dict, {example}; got {describe(value)}{hint}')


def named_outputs(outputs: Any, model: Any) -> dict[str, Any]:
    """Outputs of a model as a new dict.

    Args:
        outputs (Any): What ``extract_outputs`` returned.
        model (Any): The model, for the message.

    Raises:
        TypeError: If it is no dict.
    """
    return _expect_dict(outputs, model, 'extract_outputs', 'such as dict(occ_logits=...) or dict(depth=...)')


def named_losses(losses: Any, model: Any) -> dict[str, Any]:
    """Losses of a model as a new dict.

    MMEngine adds up what has 'loss' in its name and only logs the rest, so a loss of another name trains nothing.

    Args:
        losses (Any): What ``loss_by_outputs`` returned: tensors, or lists of them, by name.
        model (Any): The model, for the message.

    Raises:
        TypeError: If it is no dict, or a value is no tensor and no list of tensors.
        ValueError: If a value with a gradient would not be added up.
    """
    where = f'{type(model).__name__}.loss_by_outputs'
    found = _expect_dict(losses, model, 'loss_by_outputs', 'such as dict(loss_occ=...)')
    for name, value in found.items():
        parts = value if isinstance(value, Sequence) else [value]
        if not all(isinstance(part, Tensor) for part in parts):
            raise TypeError(f'{where}: {name!r} must be a tensor or a list of tensors, got {describe(value)}')
        if 'loss' not in name and any(part.requires_grad for part in parts):
            raise ValueError(
                f"{where}: {name!r} has a gradient, but only what has 'loss' in its name is added up and trained: call "
                f"it 'loss_{name}', or detach() what is only logged"
            )
    return found
