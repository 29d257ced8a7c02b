"""Values in the config of a study: what is of another kind, or out of range, is named before anything is trained."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

BY_SEED = 'seed'
"""As ``label_draw`` of a setting: the labelled scenes of a run are drawn by its seed."""
_PARTS = ('scene_part', 'label_part', 'labelled_share')


def as_arm(value: Any, what: str) -> dict[str, Any]:
    """Keys of an arm; a string is its ``config``.

    Where they differ from those of config, setting and study: ``epochs``, ``labelled_share``, ``seeds`` and ``student``
    (the config with which it is measured). ``segments`` is the method that makes the segments of its config. With
    ``elsewhere`` it is trained as the teacher of ``teacher_seed`` is, on that data set with all labels. ``weights`` in
    place of ``config`` names another arm, which is measured again; with ``swap_history`` it sees former frames of
    another scene.

    Args:
        value (Any): The arm as it is written.
        what (str): Its name, for the message.

    Raises:
        ValueError: If it is neither a string nor a dict.
    """
    if not isinstance(value, (str, Mapping)):
        raise ValueError(f'{what} must be a config file or a dict of keys, got {value!r}')
    return {'config': value} if isinstance(value, str) else dict(value)


def check_seeds(value: Any, what: str) -> None:
    """Refuse what is no list of seeds.

    Raises:
        ValueError: If it is none, or empty, or a seed is no integer of at least 0.
    """
    listed = isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0
    if not listed or not all(isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 for seed in value):
        raise ValueError(f'{what} must be a list of integers of at least 0, such as [0, 1], got {value!r}')


def check_parts(entry: Mapping[str, Any], what: str) -> None:
    """Refuse parts, shares and lengths that are none.

    Args:
        entry (Mapping[str, Any]): An arm or a setting.
        what (str): Its name, for the message.

    Raises:
        ValueError: If one is not above 0 and at most 1, ``label_draw`` is neither an integer from 0 on nor 'seed', or
            ``schedule`` is no factor from 1 on.
    """
    for key in _PARTS:
        part = entry.get(key, 1.0)
        if isinstance(part, bool) or not isinstance(part, (int, float)) or not 0 < part <= 1:
            raise ValueError(f'{key} of {what} must be above 0 and at most 1, got {part!r}')
    draw = entry.get('label_draw', 0)
    if draw != BY_SEED and (isinstance(draw, bool) or not isinstance(draw, int) or draw < 0):
        raise ValueError(f'label_draw of {what} must be an integer of at least 0 or {BY_SEED!r}, got {draw!r}')
    times = entry.get('schedule', 1)
    if isinstance(times, bool) or not isinstance(times, (int, float)) or times < 1:
        raise ValueError(f'schedule of {what} must be a factor of at least 1, got {times!r}')


def as_pairs(value: Any, arms: Collection[str], what: str) -> list[tuple[str, str]]:
    """Pairs of arms: what the first one gains over the second is tested.

    Args:
        value (Any): The list as it is written.
        arms (Collection[str]): Names of all arms.
        what (str): Its name, for the message.

    Raises:
        ValueError: If it is no list of two different arms each.
    """
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    found = [tuple(pair) if isinstance(pair, (list, tuple)) else () for pair in value] if listed else [()]
    for pair in found:
        if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(arms):
            raise ValueError(f'{what} must be a list of two different arms each, of {sorted(arms)}, got {value!r}')
    return [(pair[0], pair[1]) for pair in found]


def as_words(value: Any, what: str) -> dict[str, tuple[str, str]]:
    """What the page calls arms and settings, and what each is.

    Args:
        value (Any): The dict as it is written; it may have words of arms that a study does not have.
        what (str): Its name, for the message.

    Raises:
        ValueError: If a value is no pair of a name and a sentence.
    """
    found = {name: tuple(pair) if isinstance(pair, (list, tuple)) else () for name, pair in dict(value).items()}
    for name, pair in found.items():
        if len(pair) != 2 or not all(isinstance(text, str) and text for text in pair):
            raise ValueError(f'{what}: {name!r} must have a name for the page and a sentence, got {value[name]!r}')
    return {name: (pair[0], pair[1]) for name, pair in found.items()}


def check_config_file(path: Any, root: Path, what: str) -> None:
    """Refuse a config that is not there.

    Args:
        path (Any): As it is written: absolute, or from the root of the repository on.
        root (Path): That root.
        what (str): What has the config, for the message.

    Raises:
        ValueError: If there is no such file.
    """
    if not isinstance(path, str) or not (root / path).is_file():
        raise ValueError(
            f'{what}: there is no config {path!r}; a path is absolute or counts from the root of the repository, {root}'
        )
