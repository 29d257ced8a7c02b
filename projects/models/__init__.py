"""The contract that students and teachers of all tasks meet."""

from .building import takes_no_train_cfg
from .inputs import require_inputs
from .task_model import TaskModel

__all__ = ['TaskModel', 'require_inputs', 'takes_no_train_cfg']
