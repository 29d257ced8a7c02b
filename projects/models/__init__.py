"""The contract that students and teachers of all tasks meet, and a backbone that both tasks use."""

from .building import takes_no_train_cfg
from .efficientnet_lite import EfficientNetLite0
from .inputs import require_inputs
from .task_model import TaskModel

__all__ = ['EfficientNetLite0', 'TaskModel', 'require_inputs', 'takes_no_train_cfg']
