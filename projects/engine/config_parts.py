"""Parts of a config whose keys MMEngine reads by name, so that it would not notice one that is misspelt."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from .config_builds import ConfigError

_KEYS = {
    'env_cfg': {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'},
    'env_cfg.mp_cfg': {'mp_start_method', 'opencv_num_threads'},
    'auto_scale_lr': {'enable', 'base_batch_size'},
    'optim_wrapper.paramwise_cfg': {
        'custom_keys',
        'bias_lr_mult',
        'bias_decay_mult',
        'norm_decay_mult',
        'dwconv_decay_mult',
        'flat_decay_mult',
        'dcn_offset_lr_mult',
        'bypass_duplicate',
    },
}
"""Keys by place; MMEngine 0.10.7."""


def _part(cfg: Mapping[str, Any], place: str) -> Any:
    part: Any = cfg
    for name in place.split('.'):
        part = part.get(name) if isinstance(part, Mapping) else None
    return part


def check_config_parts(cfg: Mapping[str, Any]) -> None:
    """Refuse keys that MMEngine would pass over: of ``env_cfg``, ``auto_scale_lr`` and ``optim_wrapper.paramwise_cfg``.

    Args:
        cfg (Mapping): The merged config. A ``constructor`` of the optimizer other than MMEngine's own may read other
            keys of ``paramwise_cfg``, which are not looked at then.

    Raises:
        ConfigError: If a key is read by nothing; names it, and the keys that are read.
    """
    own_constructor = _part(cfg, 'optim_wrapper.constructor') not in (None, 'DefaultOptimWrapperConstructor')
    for place, known in _KEYS.items():
        part = _part(cfg, place)
        if not isinstance(part, Mapping) or (own_constructor and place.startswith('optim_wrapper')):
            continue
        for key in part:
            if key not in known:
                close = difflib.get_close_matches(key, sorted(known), n=1)
                hint = f' (did you mean {close[0]!r}?)' if close else ''
                raise ConfigError(f'{place}.{key} is read by nothing{hint}; {place} takes {", ".join(sorted(known))}')


def unmatched_custom_keys(model: nn.Module, optim_wrapper: Any) -> Iterator[str]:
    """Keys of ``paramwise_cfg.custom_keys`` that are part of no parameter's name, and so change nothing.

    Args:
        model (nn.Module): The model.
        optim_wrapper (Any): The part ``optim_wrapper`` of a config, or what was built of it, which has none.

    Yields:
        str: A key.
    """
    patterns = _part(optim_wrapper, 'paramwise_cfg.custom_keys') if isinstance(optim_wrapper, Mapping) else None
    names = [name for name, _ in model.named_parameters()]
    for pattern in patterns or ():
        if not any(pattern in name for name in names):
            yield pattern
