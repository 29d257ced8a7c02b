"""What a training step costs whatever else runs on the machine."""

import time
from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner


@HOOKS.register_module()
class CPUTimeHook(Hook):
    """Log ``cpu_time``: CPU seconds of this process in a step, all its threads added up; loading workers do not count.

    Trainings that share the cores slow each other down in wall time, but hardly in this. It says nothing about a GPU.
    """

    priority = 'NORMAL'

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Look at the clock."""
        self._start = time.process_time()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Log what has passed."""
        runner.message_hub.update_scalar('train/cpu_time', time.process_time() - self._start)
