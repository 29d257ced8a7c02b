"""Rules that give the weights of another code base our names: data, and the functions that apply them."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from projects.engine import CheckpointError

_SHOWN = 8


class Rule(NamedTuple):
    r"""Where weights go.

    Attributes:
        pattern (str): Regular expression of their whole names in the file.
        target (str | None): Our name, with ``\1`` for the first group of the pattern; None for weights that no model
            of ours uses.
    """

    pattern: str
    target: str | None


class Source(NamedTuple):
    """A code base whose weights are converted.

    Attributes:
        title (str): Its name, for messages.
        rules (tuple[Rule, ...]): The first rule that fits a name holds.
        settings (Mapping[str, Mapping[str, object]]): Arguments that our modules need to compute the same from these
            weights, by type of module.
        detector_parts (tuple[str, ...]): Parts that a file without an occupancy head need not fill: such a file is of a
            detector, and gives its weights as a start.
    """

    title: str
    rules: tuple[Rule, ...]
    settings: Mapping[str, Mapping[str, object]]
    detector_parts: tuple[str, ...] = ()


def in_our_axes(value: Tensor) -> Tensor:
    """Turn a kernel over voxels from (z, y, x), the order of BEVDet, to (x, y, z); other weights stay as they are.

    The shapes of such kernels are equal in both orders, so a forgotten turn would raise no error.

    Args:
        value (Tensor): Any weight; of five axes, (out, in, z, y, x), if it is a kernel over voxels.

    Returns:
        Tensor: Shape (out, in, x, y, z), contiguous, if it is one.
    """
    return value.permute(0, 1, 4, 3, 2).contiguous() if value.dim() == 5 else value


def latest_first(weights: Mapping[str, Tensor], num_frames: int) -> dict[str, Tensor]:
    """Bring the input channels of a grid encoder into our order of frames.

    BEVDet's stereo models join the features of frames with the present one last, ours with the present one first.

    Args:
        weights (Mapping[str, Tensor]): Weights by our names.
        num_frames (int): Frames that the encoder reads.

    Returns:
        dict[str, Tensor]: The same; kernels that read the joined frames are turned. Those whose input does not divide
        into frames stay as they are, for the check of shapes.
    """
    readers = [f'grid_backbone.stages.0.0.{layer}.conv.weight' for layer in ('conv1', 'shortcut')]
    readers = [name for name in readers if name in weights and weights[name].shape[1] % num_frames == 0]
    turned = {name: weights[name].unflatten(1, (num_frames, -1)).flip(1).flatten(1, 2) for name in readers}
    return {**weights, **turned}


def our_name(name: str, rules: Sequence[Rule]) -> tuple[bool, str | None]:
    """Whether a rule knows a name, and our name for it (None: not used)."""
    for rule in rules:
        match = re.fullmatch(rule.pattern, name)
        if match:
            return True, None if rule.target is None else match.expand(rule.target)
    return False, None


def rename_weights(state_dict: Mapping[str, Tensor], source: Source, path: str) -> tuple[dict[str, Tensor], list[str]]:
    """Give weights our names and the order of our axes.

    Args:
        state_dict (Mapping[str, Tensor]): Weights of the file; ``module.`` in front of names is taken off.
        source (Source): The code base that wrote it.
        path (str): Name of the file, for messages.

    Returns:
        tuple[dict[str, Tensor], list[str]]: The weights by our names, and the names that no model of ours uses.

    Raises:
        CheckpointError: If the file holds weights that no rule knows, or two for one weight of ours; it names them.
    """
    weights: dict[str, Tensor] = {}
    origins: dict[str, str] = {}
    unused, unknown = [], []
    for full_name, value in state_dict.items():
        name = re.sub(r'^module\.', '', full_name)
        known, target = our_name(name, source.rules)
        if not known or not torch.is_tensor(value):
            unknown.append(name)
        elif target is None:
            unused.append(name)
        elif target in weights:
            raise CheckpointError(f'{path} holds {origins[target]} and {name}, which are both {target} of our models')
        else:
            weights[target], origins[target] = in_our_axes(value), name
    if unknown:
        more = ', ...' if len(unknown) > _SHOWN else ''
        raise CheckpointError(
            f'{path}: {len(unknown)} of {len(state_dict)} weights have names that the models of {source.title} known '
            f'here do not have: {", ".join(unknown[:_SHOWN])}{more}. It is of another model or of another code base.'
        )
    return weights, unused
