"""Another weight of a distillation loss on frames without labels, whatever the loss is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from projects.compute.asynchronous import constant


def labelled_frames(data_samples: Sequence | None) -> list[bool]:
    """Which samples have labels: those whose metainfo does not say ``labelled=False``."""
    return [bool(sample.metainfo.get('labelled', True)) for sample in data_samples or ()]


def weigh_unlabelled(
    loss: Callable[..., Tensor], arguments: Mapping[str, Any], labelled: Sequence[bool], weight: float
) -> Tensor:
    r"""Value of a loss in which frames without labels count ``weight`` times.

    .. math:: L = \frac{1}{B} \big( B_l\, L(\text{labelled}) + w\, B_u\, L(\text{unlabelled}) \big)

    A batch of one kind is computed at once, a mixed one in its two parts.

    Args:
        loss (Callable): The loss.
        arguments (Mapping[str, Any]): Its arguments by name. Tensors and lists have one entry per sample.
        labelled (Sequence[bool]): Whether each of the B samples has labels.
        weight (float): w.

    Returns:
        Tensor: A scalar.

    Raises:
        ValueError: If a tensor or list of a mixed batch has another length than the batch.
    """
    if all(labelled):
        return loss(**arguments)
    if not any(labelled):
        return weight * loss(**arguments)
    total: Tensor | float = 0.0
    for kind, factor in ((True, 1.0), (False, weight)):
        chosen = [i for i, has_labels in enumerate(labelled) if has_labels == kind]
        part = {name: _take(value, chosen, len(labelled), name) for name, value in arguments.items()}
        total = total + factor * len(chosen) / len(labelled) * loss(**part)
    return torch.as_tensor(total)


def _take(value: Any, chosen: list[int], batch: int, name: str) -> Any:
    """Entries of some samples; what is no tensor, list or dict belongs to all."""
    if isinstance(value, Mapping):
        return {key: _take(entry, chosen, batch, f'{name}.{key}') for key, entry in value.items()}
    if not isinstance(value, (Tensor, list)):
        return value
    if (value.dim() == 0 if isinstance(value, Tensor) else False) or len(value) != batch:
        raise ValueError(
            f'{name} must have one entry for each of the {batch} samples, where frames without labels have a weight of '
            f'their own (unlabelled_weights); got {tuple(value.shape) if isinstance(value, Tensor) else len(value)}'
        )
    if not isinstance(value, Tensor):
        return [value[i] for i in chosen]
    # A list as an index would be copied to a GPU each time, and waited for.
    return value.index_select(0, constant(chosen, value, torch.int64))
