"""Weights of another code base for a model of ours, or an error that says which do not fit and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from projects.engine import CheckpointError, WeightMatch, check_state_dict
from projects.occupancy.models import StereoLSSOccModel

from .rules import Source, latest_first, rename_weights


class Conversion(NamedTuple):
    """Weights that fit a model.

    Attributes:
        state_dict (dict[str, Tensor]): Weights by our names.
        left_out (dict[str, str]): Parts of the model that keep their initial values, and why.
        report (list[str]): One line for each part of the model and of the file.
    """

    state_dict: dict[str, Tensor]
    left_out: dict[str, str]
    report: list[str]


def wrong_settings(model_cfg: Mapping[str, Any], settings: Mapping[str, Mapping[str, object]], key: str) -> list[str]:
    """Arguments with which a model computes something else from such weights, as ``--cfg-options`` that set them right.

    Args:
        model_cfg (Mapping[str, Any]): Config of the model.
        settings (Mapping[str, Mapping[str, object]]): What the weights need, by type of module.
        key (str): Place of the model in its config, such as 'model'.

    Returns:
        list[str]: Such as ``model.view_transform.legacy_trunc=True``.
    """
    wrong = []
    for part, cfg in model_cfg.items():
        needed = settings.get(str(cfg.get('type')).split('.')[-1], {}) if isinstance(cfg, Mapping) else {}
        wrong += [f'{key}.{part}.{name}={value}' for name, value in needed.items() if cfg.get(name) != value]
    return wrong


def _inside(names: Sequence[str], part: str) -> list[str]:
    return [name for name in names if name.startswith(f'{part}.')]


def why_left_out(match: WeightMatch, part: str) -> str | None:
    """Why a part of the model is another one than that of the file; None if it is the same, whole or damaged."""
    reshaped, unused = _inside(match.reshaped, part), _inside(match.unused, part)
    if not _inside(list(match.given), part):
        return 'not in the file'
    if reshaped:
        return f'{reshaped[0]} is {match.given[reshaped[0]]} in the file, {match.own[reshaped[0]]} in the model'
    return f'{unused[0]} is not in the model' if unused else None


def _report(match: WeightMatch, left_out: Mapping[str, str], unused: Sequence[str]) -> list[str]:
    totals = Counter(map(match.part_of, match.own))
    lines = [
        f'  {part}: left out, {left_out[part]}' if part in left_out else f'  {part}: {count} of {count}'
        for part, count in totals.items()
    ]
    counts = Counter(name.split('.')[0] for name in unused if not name.endswith('num_batches_tracked'))
    return [*lines, *(f'  not used: {word} {count}' for word, count in counts.items())]


def convert_weights(
    state_dict: Mapping[str, Tensor],
    source: Source,
    model: nn.Module,
    model_cfg: Mapping[str, Any],
    path: str,
    key: str = 'model',
) -> Conversion:
    """Bring the weights of another code base onto a model.

    Every weight of the model must be in the file, every weight of the file must have its place or be known as not used,
    and the model must compute the same from them. Of a detector, whole parts that do not fit are left out.

    Args:
        state_dict (Mapping[str, Tensor]): Weights of the file.
        source (Source): The code base that wrote it.
        model (nn.Module): A plain model of ours; its weights may have no memory (device 'meta').
        model_cfg (Mapping[str, Any]): The config it was built of.
        path (str): Name of the file, for messages.
        key (str): Place of the model in its config, for messages. Defaults to 'model'.

    Returns:
        Conversion: The weights.

    Raises:
        CheckpointError: If names are unknown, settings differ, or weights are missing, left over or of another shape;
            the message names them.
    """
    weights, unused = rename_weights(state_dict, source, path)
    wrong = wrong_settings(model_cfg, source.settings, key)
    if wrong:
        raise CheckpointError(
            f'from the weights of {source.title}, this model would compute something else; add --cfg-options '
            f'{" ".join(wrong)}'
        )
    if isinstance(model, StereoLSSOccModel):
        weights = latest_first(weights, model.num_history + 1)
    is_detector = not _inside(list(weights), 'occ_head')
    left_out: dict[str, str] = {}
    for part in source.detector_parts if is_detector else ():
        reason = why_left_out(WeightMatch(model, weights), part) if hasattr(model, part) else None
        if reason is not None:
            left_out[part] = reason
            weights = {name: value for name, value in weights.items() if not name.startswith(f'{part}.')}
    check_state_dict(model, weights, path, list(left_out), allow_unused=False)
    return Conversion(weights, left_out, _report(WeightMatch(model, weights), left_out, unused))
