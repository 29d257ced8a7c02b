"""The size of data that was loaded: parts that are used several times, and parts that hold themselves."""

import gc
from collections import OrderedDict
from typing import Any

from .limits import MAX_VALUES, NESTING, advice, limit

_CONTAINERS = (list, dict, tuple, set, frozenset, OrderedDict)
_CHUNK = 1024


def check_structure(data: Any, name: str, max_values: int = MAX_VALUES, max_depth: int = NESTING) -> None:
    """Refuse data that no walk over it would come to the end of.

    A file of a few 100 bytes can hold a list that holds itself, or one that holds the same list twice, which holds
    the same list twice, and so on: small in memory, but endless for everything that looks at each value, copies or
    converts it. Values are counted as often as such a walk meets them. The walk goes down level by level, with the
    garbage collector's view of an object, which costs a few per cent of what unpickling costs.

    Args:
        data (Any): Lists, dicts, tuples and sets; all else is one value.
        name (str): Name of the file, for the message.
        max_values (int): How many values there may be. Defaults to ``MAX_VALUES``.
        max_depth (int): How many containers may be inside each other. Defaults to ``NESTING``.

    Raises:
        ValueError: If there are more; the message names the file.
    """
    left, most = limit(max_values), limit(max_depth)
    level = [data] if isinstance(data, _CONTAINERS) else []
    for _ in range(most):
        below: list[Any] = []
        for start in range(0, len(level), _CHUNK):
            chunk = level[start : start + _CHUNK]
            left -= sum(map(len, chunk))
            if left < 0:
                raise ValueError(
                    f'{name} unfolds to more than {limit(max_values)} values, as parts of it are used again and again; '
                    + advice(2)
                )
            below += [item for item in filter(gc.is_tracked, gc.get_referents(*chunk)) if isinstance(item, _CONTAINERS)]
        level = below
        if not level:
            return
    raise ValueError(f'{name} holds more than {most} lists or dicts inside each other, or one that holds itself')
