"""Hooks of distillation: warm-up of the loss weights, and the record of which teacher taught."""

from typing import Any

from mmdet3d.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from .distiller import Distiller


def _distiller(runner: Runner) -> Distiller | None:
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return model if isinstance(model, Distiller) else None


@HOOKS.register_module()
class DistillWarmupHook(Hook):
    """Raise the weight of distillation losses linearly from 0 to their own value.

    The factor is ``iter / warmup_iters`` of the current iteration, so it continues exactly after a resume.

    Args:
        warmup_iters (int): Iterations until the full weight. 0 means none.
        names (list[str], optional): Losses to warm up. Defaults to None (all distillation losses).
    """

    def __init__(self, warmup_iters: int, names: list[str] | None = None) -> None:
        if warmup_iters < 0:
            raise ValueError(f'warmup_iters must not be negative, got {warmup_iters}')
        self.warmup_iters = warmup_iters
        self.names = names

    def before_train(self, runner: Runner) -> None:
        """Refuse a model without distillation losses to warm up.

        Raises:
            TypeError: If the model is no Distiller.
        """
        if _distiller(runner) is None:
            raise TypeError('DistillWarmupHook needs a Distiller as model; remove the hook from custom_hooks')

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the factor of this iteration."""
        model = _distiller(runner)
        if model is not None:
            scale = 1.0 if self.warmup_iters == 0 else min(1.0, runner.iter / self.warmup_iters)
            model.set_loss_scale(scale, self.names)


@HOOKS.register_module()
class TeacherRecordHook(Hook):
    """Write the teacher's path and SHA-256 into each checkpoint and compare them on resume.

    Without a Distiller it does nothing, so it can stand in every config.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Record the teacher.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): Gets ``meta.teacher``.
        """
        model = _distiller(runner)
        if model is not None:
            checkpoint['meta']['teacher'] = {'path': model.teacher.checkpoint, 'sha256': model.teacher.sha256}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Stop when the run is resumed with another teacher.

        Raises:
            ValueError: If the hashes differ.
        """
        model = _distiller(runner)
        record = checkpoint.get('meta', {}).get('teacher')
        if model is None or record is None or not runner._resume:
            return
        if record['sha256'] != model.teacher.sha256:
            raise ValueError(
                f'this run began with teacher {record["path"]} (sha256 {str(record["sha256"])[:8]}), but '
                f'{model.teacher.checkpoint} has sha256 {str(model.teacher.sha256)[:8]}; put the first teacher back, '
                f'or start a new run in another --work-dir'
            )
