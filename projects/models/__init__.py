"""The contract that students and teachers of all tasks meet, how they are called, and parts of both tasks."""

from .building import takes_no_train_cfg
from .contract import describe, named_losses, named_outputs
from .data_preprocessor import ImageDataPreprocessor, check_finite_input, name_of, stack_input
from .efficientnet_lite import EfficientNetLite0
from .inferencer import TaskInferencer
from .inputs import require_inputs
from .task_model import TaskModel

__all__ = [
    'EfficientNetLite0',
    'ImageDataPreprocessor',
    'TaskInferencer',
    'TaskModel',
    'check_finite_input',
    'describe',
    'name_of',
    'named_losses',
    'named_outputs',
    'require_inputs',
    'stack_input',
    'takes_no_train_cfg',
]
