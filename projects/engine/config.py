"""Config keys: a misspelt one is an error that names it and the key that was meant."""

import difflib
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.registry import MODELS
from mmengine.runner import Runner

_RUNNER_KEYS = frozenset(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'}
_MMENGINE_KEYS = frozenset(
    {
        'activation_checkpointing',
        'compile',
        'custom_imports',
        'efficient_conv_bn_eval',
        'find_unused_parameters',
        'model_wrapper_cfg',
        'runner_type',
        'sync_bn',
        'tta_model',
        'tta_pipeline',
    }
)

CONFIG_VARIABLES = frozenset(
    {
        'aug_cfg',
        'backend_args',
        'batch_size',
        'bda_aug',
        'bda_aug_cfg',
        'cam_names',
        'camera_names',
        'camera_modality',
        'cams',
        'class_names',
        'class_weights',
        'config_variables',
        'data_preprocessor',
        'data_root',
        'dataset_type',
        'depth_range',
        'distill_train_pipeline',
        'distillation',
        'downsample',
        'feat_downsample',
        'free_class',
        'fusion_modality',
        'fusion_test_pipeline',
        'fusion_train_pipeline',
        'grid_config',
        'grid_size',
        'ida_aug',
        'ida_aug_cfg',
        'img_aug',
        'img_aug_cfg',
        'img_norm_cfg',
        'img_size',
        'info_prefix',
        'input_modality',
        'input_size',
        'lidar_modality',
        'lidar_test_pipeline',
        'lidar_train_pipeline',
        'lr',
        'max_epochs',
        'max_iters',
        'metainfo',
        'norm_cfg',
        'num_classes',
        'num_workers',
        'palette',
        'pillar_size',
        'point_cloud_range',
        'render_size',
        'student',
        'student_ckpt',
        'sweeps_num',
        'teacher',
        'teacher_ckpt',
        'teacher_config',
        'test_pipeline',
        'train_pipeline',
        'val_pipeline',
        'version',
        'vis_backends',
        'voxel_size',
    }
)
"""Names our configs give to values they use more than once; none of them is read by the Runner."""


def check_config_keys(cfg: Mapping[str, Any]) -> None:
    """Refuse top-level keys that nobody reads.

    Allowed are the arguments of the Runner, the extra keys MMEngine reads, :data:`CONFIG_VARIABLES`, names that
    begin with ``_``, and the names a config declares itself: ``config_variables = ['my_value']``.

    Args:
        cfg (Mapping): The merged config.

    Raises:
        KeyError: If a key is unknown; suggests the nearest known one.
    """
    declared = cfg.get('config_variables') or []
    if not isinstance(declared, (list, tuple)) or not all(isinstance(name, str) for name in declared):
        raise KeyError(f"config_variables must be a list of names such as ['my_value'], got {declared!r}")
    known = _RUNNER_KEYS | _MMENGINE_KEYS | CONFIG_VARIABLES | set(declared)
    problems = []
    for key in cfg:
        if key in known or key.startswith('_'):
            continue
        close = difflib.get_close_matches(key, sorted(known), n=1)
        problems.append(f'{key!r}' + (f' (did you mean {close[0]!r}?)' if close else ''))
    if problems:
        raise KeyError(
            f'unknown top-level config keys: {", ".join(problems)}. Correct the spelling, or declare a variable of '
            f"your own with config_variables = ['name']"
        )


_UNKNOWN_ARGUMENT = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")


def _places(cfg: Any, where: str, class_name: str, key: str) -> Iterator[str]:
    """Find the dicts that build a class with a key; yields their paths."""
    if isinstance(cfg, Mapping):
        if key in cfg and str(cfg.get('type')).rsplit('.', 1)[-1] == class_name:
            yield f'{where}.{key}'
        for name, item in cfg.items():
            yield from _places(item, f'{where}.{name}', class_name, key)
    elif isinstance(cfg, (list, tuple)):
        for index, item in enumerate(cfg):
            yield from _places(item, f'{where}[{index}]', class_name, key)


def explain_unknown_argument(error: TypeError, cfg: Any, where: str = 'model') -> str | None:
    """Say which key of a model config a constructor did not know, and which keys it knows.

    Args:
        error (TypeError): Raised while the model was built.
        cfg (Any): The model's config.
        where (str): Name of that config. Defaults to 'model'.

    Returns:
        str or None: The message; None when the error has another cause.
    """
    match = _UNKNOWN_ARGUMENT.search(str(error))
    places = list(_places(cfg, where, *match.groups())) if match else []
    if not match or not places:
        return None
    class_name, key = match.groups()
    with MODELS.switch_scope_and_registry(None) as registry:
        built = registry.get(class_name)
    known = [name for name in inspect.signature(built).parameters if name != 'self'] if built else []
    close = difflib.get_close_matches(key, known, n=1)
    hint = f' (did you mean {close[0]!r}?)' if close else ''
    return f'unknown config key {", ".join(places)}{hint}; {class_name} takes {", ".join(known)}'
