"""Types of a config that nothing has registered: the key is named, with the name that was meant or how to import it."""

import difflib
import re
from collections.abc import Iterable
from typing import Any

from mmengine.registry import Registry

from .config_places import name_places, walk

_UNKNOWN_TYPE = re.compile(r'^(\S+) is not in the (\S+) registry')


def _registered(registries: Iterable[Registry]) -> set[str]:
    """Names in the registries of the current scope and above it."""
    names: set[str] = set()
    for root in registries:
        with root.switch_scope_and_registry(None) as registry:
            level: Registry | None = registry
            while level is not None:
                names |= set(level.module_dict)
                level = level.parent
    return names


def explain_unknown_type(error: KeyError, cfg: Any, where: str, registries: Iterable[Registry]) -> str | None:
    """Say which ``type`` of a config is not registered, and what to do.

    Args:
        error (KeyError): Raised while something was built.
        cfg (Any): The config, or a part of it.
        where (str): Name of that part, '' for the whole config.
        registries (Iterable[Registry]): Root registries in which a similar name may be.

    Returns:
        str or None: The message; None when the error has another cause.
    """
    match = _UNKNOWN_TYPE.search(str(error.args[0]) if error.args else '')
    name = match.group(1) if match else ''
    places = [path for path, key, value in walk(cfg, where) if key == 'type' and value == name]
    if not match or not places:
        return None
    close = difflib.get_close_matches(name, sorted(_registered(registries)), n=1, cutoff=0.8)
    meant = f'did you mean {close[0]!r}? Else import' if close else 'import'
    return (
        f'{name_places(places)}: {name!r} is not registered ({match.group(2)}); {meant} the module that registers it: '
        "custom_imports = dict(imports=[*_base_.custom_imports.imports, '<module>']) in the config (a list replaces "
        'that of the base), with its folder on PYTHONPATH'
    )
