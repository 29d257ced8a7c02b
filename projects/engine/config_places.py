"""Where in a config a value stands: for messages that name the key which was meant."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from projects.fileio import list_names

_SHOWN = 4


def walk(cfg: Any, where: str = '') -> Iterator[tuple[str, str, Any]]:
    """Paths of all values below a config, such as ``train_dataloader.dataset.pipeline[0].type``.

    Args:
        cfg (Any): A config, or a part of one.
        where (str): Path of that part. Defaults to ''.

    Yields:
        tuple[str, str, Any]: Path, last name ('' for the items of a list) and value.
    """
    if isinstance(cfg, Mapping):
        for name, item in cfg.items():
            path = f'{where}.{name}' if where else str(name)
            yield path, str(name), item
            yield from walk(item, path)
    elif isinstance(cfg, (list, tuple)):
        for index, item in enumerate(cfg):
            path = f'{where}[{index}]'
            yield path, '', item
            yield from walk(item, path)


def _words(name: str) -> set[str]:
    return set(re.split(r'[_.\[\]]+', name.lower())) - {''}


def _means(path: str, last: str, name: str) -> bool:
    """Whether a name says the words of a key (``sweeps_num``), or of its path (``train_pipeline``)."""
    return _words(last) == _words(name) or (last != '' and _words(last) < _words(name) <= _words(path))


def _same(first: Any, second: Any) -> bool:
    """Whether two values are equal and telling: a number or a name alone may be equal by chance."""
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) > 1 and list(first) == list(second)
    return isinstance(first, Mapping) and len(first) > 1 and first == second


def places_of(cfg: Mapping, name: str, keys: frozenset[str]) -> list[str]:
    """Keys that a top-level name was probably meant for.

    Looked for below the keys that the Runner reads: keys whose name or path has the same words, else keys that hold the
    very value the name has in the config, else keys with a similar name.

    Args:
        cfg (Mapping): The merged config.
        name (str): Name that nothing reads.
        keys (frozenset[str]): What the Runner reads.

    Returns:
        list[str]: Paths, in the order of the config.
    """
    entries = [entry for key in cfg if key in keys for entry in [(key, key, cfg[key]), *walk(cfg[key], key)]]
    same_name = [path for path, last, _ in entries if _means(path, last, name)]
    if same_name:
        return same_name
    same_value = [path for path, _, item in entries if _same(item, cfg.get(name))]
    if same_value:
        return same_value
    names = {last for _, last, _ in entries if last} | keys
    close = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.75)
    return [path for path, last, _ in entries if last in close] or close


def name_places(paths: list[str]) -> str:
    """Say the first paths of a list, and how many more there are."""
    return list_names(paths, _SHOWN)
