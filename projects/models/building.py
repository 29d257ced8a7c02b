"""How ``mmdet3d.apis.init_model`` builds a model: it writes ``train_cfg = None`` into every config of a model."""

from collections.abc import Callable
from functools import wraps
from typing import Any


def takes_no_train_cfg(init: Callable[..., None]) -> Callable[..., None]:
    """Let a constructor be called with ``train_cfg=None``, which says nothing, and pass on everything else.

    Our models read no ``train_cfg``: any other value remains an unexpected argument, as a misspelt key is.

    Args:
        init (Callable): An ``__init__`` without ``train_cfg``.

    Returns:
        Callable: The same constructor, with the same signature for those who ask for it.
    """

    @wraps(init)
    def constructor(self: Any, *args: Any, **options: Any) -> None:
        if 'train_cfg' in options and options['train_cfg'] is None:
            del options['train_cfg']
        init(self, *args, **options)

    return constructor
