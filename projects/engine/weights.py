"""Weights of a checkpoint for a model, with one rule for all of them: nothing stays random without being named.

Every weight of a model must be in the file, with its shape. Where training starts from the weights of another model,
the user names the parts that the file lacks.
"""

import itertools
import os
import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from .checkpoint import CheckpointError, load_checkpoint_safe

_SHOWN = 3
_SHOWN_PARTS = 12
_PARALLEL = ((r'^module\.', ''),)


class WeightMatch:
    """Weights of a model and of a file, without the batch counters of BatchNorm.

    Args:
        model (nn.Module): The model.
        state_dict (Mapping[str, Tensor]): Weights of the file by name.

    Attributes:
        own (dict[str, tuple[int, ...]]): Shapes of the model's weights by name.
        given (dict[str, tuple[int, ...]]): Shapes of the file's weights by name.
        missing (list[str]): Names that only the model has.
        unused (list[str]): Names that only the file has.
        reshaped (list[str]): Names of two shapes.
    """

    def __init__(self, model: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
        self.own, self.given = _shapes(model.state_dict()), _shapes(state_dict)
        self.missing = [name for name in self.own if name not in self.given]
        self.unused = [name for name in self.given if name not in self.own]
        self.reshaped = [name for name in self.own if name in self.given and self.given[name] != self.own[name]]
        columns = zip(*(name.split('.') for name in self.own))
        # A wrapper around everything is no part.
        self._depth = sum(1 for _ in itertools.takewhile(lambda words: len(set(words)) == 1, columns))

    @property
    def matched(self) -> int:
        """int: Weights of the model that the file fills."""
        return len(self.own) - len(self.missing) - len(self.reshaped)

    def part_of(self, name: str) -> str:
        """Part of the model to which one of its weights belongs."""
        return '.'.join(name.split('.')[: self._depth + 1])

    def count_own(self, names: Sequence[str]) -> str:
        """Count weights of the model by part, such as ``view_transform 2 of 2, occ_head 6 of 6``."""
        totals = Counter(map(self.part_of, self.own))
        return _join(f'{part} {count} of {totals[part]}' for part, count in Counter(map(self.part_of, names)).items())

    def count_unused(self) -> str:
        """Count weights of the file that the model lacks, by their first word."""
        return _join(f'{word} {n}' for word, n in Counter(name.split('.')[0] for name in self.unused).items())

    def largest_parts(self, names: Sequence[str]) -> list[str]:
        """Largest parts of the model that hold these of its weights and no others."""
        others = set(self.own) - set(names)
        parts: dict[str, None] = {}
        for name in names:
            part = self.part_of(name)
            while part != name and any(other.startswith(f'{part}.') for other in others):
                part = '.'.join(name.split('.')[: part.count('.') + 2])
            parts[part] = None
        return list(parts)


def _join(parts: Iterable[str]) -> str:
    shown = list(parts)
    return ', '.join(shown[:_SHOWN_PARTS]) + (', ...' if len(shown) > _SHOWN_PARTS else '')


def _shapes(state_dict: Mapping) -> dict[str, tuple[int, ...]]:
    return {
        name: tuple(value.shape)
        for name, value in state_dict.items()
        if torch.is_tensor(value) and not name.endswith('num_batches_tracked')
    }


def _kept(allow_missing: Sequence[str] | str | None, match: WeightMatch, option: str | None) -> list[str]:
    """Weights that are missing and may be; a name that is no part of the model is an error."""
    kept = []
    for part in [allow_missing] if isinstance(allow_missing, str) else allow_missing or ():
        inside = [name for name in match.own if name == part or name.startswith(f'{part}.')]
        if not inside:
            known = list(dict.fromkeys(map(match.part_of, match.own)))
            raise CheckpointError(f'{option} names {part!r}, which is no part of the model; its parts are {known}')
        kept += inside
    return [name for name in match.missing if name in set(kept)]


def check_state_dict(
    model: nn.Module,
    state_dict: Mapping[str, Tensor],
    path: str | os.PathLike,
    allow_missing: Sequence[str] | str | None = None,
    option: str | None = None,
    allow_unused: bool = True,
) -> str:
    """Stop when a checkpoint does not fill a model.

    Args:
        model (nn.Module): The model.
        state_dict (Mapping): Weights by name.
        path (str or PathLike): Name of the checkpoint for the message.
        allow_missing (Sequence[str] | str | None): Parts of the model (prefixes of names such as 'occ_head' or
            'img_neck.output_conv') that the file may lack; they keep their initial values. Defaults to None.
        option (str | None): Config key that holds ``allow_missing``, for the message. Defaults to None, where no part
            may be missing (test, resume, teacher).
        allow_unused (bool): Whether the file may hold weights that the model lacks. Defaults to True.

    Returns:
        str: What keeps its initial values and what of the file is not used; empty if both fit exactly.

    Raises:
        CheckpointError: If a weight of another part is missing or one has another shape, weights are left over that may
            not be, or nothing fits; lists what did not match in both directions and says what to do.
    """
    match = WeightMatch(model, state_dict)
    kept = _kept(allow_missing, match, option)
    fills = len(kept) == len(match.missing) and not match.reshaped and (match.matched or not match.own)
    if fills and (allow_unused or not match.unused):
        notes = [f'these keep their initial values ({option}): {match.count_own(kept)}'] if kept else []
        notes += [f'these are not used: {match.count_unused()}'] if match.unused else []
        return f'weights of {path}: {"; ".join(notes)}' if notes else ''
    found = f'{match.matched} of {len(match.own)} weights of the model are in it'
    lines = [f'{path} does not fit {type(model).__name__}: {found}.']
    amiss = sorted(match.missing, key=set(kept).__contains__)  # examples of what may be missing come last
    for title, names, counts in (
        ('missing in the file', amiss, match.count_own(match.missing)),
        ('not in the model', match.unused, match.count_unused()),
    ):
        if names:
            lines.append(f'  {title} ({len(names)}): {counts} (for instance {", ".join(names[:_SHOWN])})')
    if match.reshaped:
        shown = [f'{n} {match.given[n]} in the file, {match.own[n]} in the model' for n in match.reshaped[:_SHOWN]]
        more = '; ...' if len(match.reshaped) > _SHOWN else ''
        lines.append(f'  of another shape ({len(match.reshaped)}): {"; ".join(shown)}{more}')
    if option and match.matched and len(kept) < len(match.missing):
        hint = ', but first see whether the file has them under other names' if match.unused else ''
        lines.append(
            '  These parts would keep their initial values. If you mean that, name them'
            f'{hint}: {option}={match.largest_parts(match.missing)}'
        )
    raise CheckpointError('\n'.join([*lines, f'  {_advice(match, path)}']))


def _advice(match: WeightMatch, path: str | os.PathLike) -> str:
    """What to do about a checkpoint that does not fit."""
    if any(name.startswith('student.') for name in match.unused):
        return f'{path} is the checkpoint of a distillation: run tools/model_converters/extract_student.py on it first.'
    if any(f'student.{name}' in match.own for name in match.unused):
        return f'{path} is the checkpoint of a plain model and this model distils: set model.student_ckpt to it.'
    return f'{path} is of another model: use the config it was trained with, or a checkpoint of this config.'


def fitting_weights(
    model: nn.Module,
    state_dict: Mapping[str, Tensor],
    path: str | os.PathLike,
    allow_missing: Sequence[str] | str | None = None,
    option: str | None = None,
    revise_keys: Iterable[tuple[str, str]] | None = None,
) -> OrderedDict[str, Tensor]:
    """Weights of a checkpoint under the names of a model, checked: the one way to ``load_from`` and ``student_ckpt``.

    What keeps its initial values and what of the file is not used is logged.

    Args:
        model (nn.Module): The model.
        state_dict (Mapping[str, Tensor]): Weights of the file by name.
        path (str or PathLike): As in :func:`check_state_dict`, whose errors are raised.
        allow_missing (Sequence[str] | str | None): As in :func:`check_state_dict`.
        option (str | None): As in :func:`check_state_dict`.
        revise_keys (Iterable[tuple[str, str]] | None): (pattern, replacement) pairs for the names. Defaults to None,
            which takes off the ``module.`` that data-parallel training puts in front.

    Returns:
        OrderedDict[str, Tensor]: The weights, with the versions of their modules.
    """
    weights = OrderedDict(state_dict)
    for pattern, replacement in _PARALLEL if revise_keys is None else revise_keys:
        weights = OrderedDict((re.sub(pattern, replacement, name), value) for name, value in weights.items())
    weights._metadata = getattr(state_dict, '_metadata', OrderedDict())  # type: ignore[attr-defined]
    notes = check_state_dict(model, weights, path, allow_missing, option)
    if notes:
        print_log(notes, 'current')
    return weights


def fill_model(
    model: nn.Module,
    state_dict: Mapping[str, Tensor],
    path: str | os.PathLike,
    allow_missing: Sequence[str] | str | None = None,
    option: str | None = None,
) -> None:
    """Put the weights of :func:`fitting_weights` into a model; arguments and errors as there."""
    model.load_state_dict(fitting_weights(model, state_dict, path, allow_missing, option), strict=False)


def load_model_weights(
    model: nn.Module,
    path: str | os.PathLike,
    allow_missing: Sequence[str] | str | None = None,
    option: str | None = None,
) -> None:
    """Load the checkpoint of a plain model; arguments and errors as in :func:`check_state_dict`.

    Its ``state_dict`` holds averaged weights when it was trained with EMA, as ``tools/test.py`` uses them.

    Raises:
        FileNotFoundError: If the file does not exist.
        CheckpointError: If it is corrupt or does not fill the model.
    """
    fill_model(model, load_checkpoint_safe(path)['state_dict'], path, allow_missing, option)
