"""The contract that students and teachers of all tasks meet, how they are called, and parts of both tasks."""

from .building import takes_no_train_cfg
from .data_preprocessor import ImageDataPreprocessor
from .efficientnet_lite import EfficientNetLite0
from .inferencer import TaskInferencer
from .inputs import require_inputs
from .task_model import TaskModel

__all__ = [
    'EfficientNetLite0',
    'ImageDataPreprocessor',
    'TaskInferencer',
    'TaskModel',
    'require_inputs',
    'takes_no_train_cfg',
]
