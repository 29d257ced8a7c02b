"""The contract that students and teachers of all tasks meet, how they are called, and a backbone of both tasks."""

from .building import takes_no_train_cfg
from .efficientnet_lite import EfficientNetLite0
from .inferencer import TaskInferencer
from .inputs import require_inputs
from .task_model import TaskModel

__all__ = ['EfficientNetLite0', 'TaskInferencer', 'TaskModel', 'require_inputs', 'takes_no_train_cfg']
