"""Models of trained configs, for evaluation outside a Runner."""

from pathlib import Path

from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.utils import import_modules_from_strings
from torch import nn

from .checkpoint import load_checkpoint_safe
from .weights import fill_model


def load_trained_model(config_file: str | Path, checkpoint: str | Path) -> nn.Module:
    """Build the model of a config and load its weights, in eval mode.

    Args:
        config_file (str | Path): Config of a plain model (not of a Distiller).
        checkpoint (str | Path): Its checkpoint; that of a Distiller works as well, its student is taken.

    Returns:
        nn.Module: The model.

    Raises:
        CheckpointError: If the weights are not those of the model.
    """
    config = Config.fromfile(config_file)
    import_modules_from_strings(**config.custom_imports)
    init_default_scope(config.default_scope)
    model = MODELS.build(config.model)
    state = load_checkpoint_safe(checkpoint)['state_dict']
    student = {name.removeprefix('student.'): value for name, value in state.items() if name.startswith('student.')}
    fill_model(model, student or state, checkpoint)
    return model.eval()
