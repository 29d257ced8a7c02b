"""Models of trained configs, for evaluation outside a Runner."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.utils import import_modules_from_strings
from torch import nn

from .checkpoint import load_checkpoint_safe
from .config import naming_config_keys
from .weights import fill_model


def plain_model(model: Mapping[str, Any]) -> dict[str, Any]:
    """Config of the model that predicts: the student of a Distiller, with the preprocessor of the whole; else itself.

    Args:
        model (Mapping): ``model`` of a config.
    """
    if 'student' not in model:
        return dict(model)
    own = {'data_preprocessor': model['data_preprocessor']} if model.get('data_preprocessor') else {}
    return {**model['student'], **own}


def import_modules_of(config: Config) -> None:
    """Register the modules that a config names in ``custom_imports``, and enter its scope, as a Runner would."""
    if config.get('custom_imports'):
        import_modules_from_strings(**config.custom_imports)
    init_default_scope(config.get('default_scope', 'mmdet3d'))


def load_trained_model(config_file: str | Path | Config, checkpoint: str | Path) -> nn.Module:
    """Build the model of a config and load its weights, in eval mode.

    Args:
        config_file (str | Path | Config): Config of a model, as a file or read; of a Distiller its student is built.
        checkpoint (str | Path): Its checkpoint; that of a Distiller works as well, its student is taken.

    Returns:
        nn.Module: The model.

    Raises:
        CheckpointError: If the weights are not those of the model.
    """
    config = config_file if isinstance(config_file, Config) else Config.fromfile(config_file)
    import_modules_of(config)
    with naming_config_keys(config.model, 'model'):
        model = MODELS.build(plain_model(config.model))
    load_plain_weights(model, checkpoint)
    return model.eval()


def load_plain_weights(model: nn.Module, checkpoint: str | Path) -> None:
    """Load the model that :func:`plain_model` describes from its own checkpoint, or from that of its distillation.

    Args:
        model (nn.Module): The model that predicts.
        checkpoint (str | Path): Its checkpoint; of a Distiller the weights of the student are taken.

    Raises:
        CheckpointError: If the weights are not those of the model.
    """
    state = load_checkpoint_safe(checkpoint)['state_dict']
    student = {name.removeprefix('student.'): value for name, value in state.items() if name.startswith('student.')}
    fill_model(model, student or state, checkpoint)
