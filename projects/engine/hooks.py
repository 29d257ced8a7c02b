"""Hooks that make ``--resume`` after a kill continue to the weights of an uninterrupted run."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import get_rank, get_world_size, is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.registry import HOOKS
from mmengine.runner import EpochBasedTrainLoop, Runner

from projects.fileio import atomic_write

from .seeding import SeededDatasetMixin, sample_seed, seed_everything

_EPOCH_STREAM, _ITER_STREAM = 2, 3


def _seeded_datasets(dataset: Any) -> Iterator[SeededDatasetMixin]:
    """Find data sets with the mixin behind the wrappers of MMEngine and torch (``dataset``, ``datasets``)."""
    if isinstance(dataset, SeededDatasetMixin):
        yield dataset
    for name in ('dataset', '_dataset'):
        if hasattr(dataset, name):
            yield from _seeded_datasets(getattr(dataset, name))
    for child in getattr(dataset, 'datasets', ()):
        yield from _seeded_datasets(child)


@HOOKS.register_module()
class DeterministicResumeHook(Hook):
    """Tie all randomness of training to (seed, rank, epoch, iteration).

    - Before each epoch and each iteration ``random``, NumPy and torch are seeded, so dropout, drawn rays and the
      seeds of new DataLoader workers do not depend on what ran before.
    - Data sets with :class:`SeededDatasetMixin` get the seed and the epoch through shared memory, and draw the
      augmentation of each sample from (seed, epoch, index).
    - Gradients that were accumulated but not yet applied when a checkpoint is written go into it (one process; with
      several the hook warns that the epoch length should be a multiple of ``accumulative_counts``).

    Resume is exact for epoch-based training with checkpoints per epoch. Iteration-based loops never tell the data
    set that a new pass begins, so each pass would draw the same augmentation; the hook warns about it.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Hand the seed to the data sets and say what cannot be exact.

        Args:
            runner (Runner): The runner, with the seed of the resumed run.
        """
        self._counters = [dataset.epoch_counter for dataset in _seeded_datasets(runner.train_dataloader.dataset)]
        self._set_epoch(runner)
        if self._counters and not isinstance(runner.train_loop, EpochBasedTrainLoop):
            runner.logger.warning(
                'DeterministicResumeHook: with an iteration-based loop each pass over the data draws the same '
                'augmentation; use EpochBasedTrainLoop'
            )
        counts = getattr(runner.optim_wrapper, '_accumulative_counts', 1)
        if counts > 1 and get_world_size() > 1 and len(runner.train_dataloader) % counts:
            runner.logger.warning(
                f'DeterministicResumeHook: {len(runner.train_dataloader)} iterations per epoch are not a multiple of '
                f'accumulative_counts={counts}; a resumed run will differ slightly'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell data sets the epoch and seed this process."""
        self._set_epoch(runner)
        seed_everything(sample_seed(runner.seed, runner.epoch, get_rank(), _EPOCH_STREAM))

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed this process for one iteration."""
        seed_everything(sample_seed(runner.seed, runner.iter, get_rank(), _ITER_STREAM))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep gradients that wait for the next optimizer step.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): Gets ``partial_grads`` when there are any.
        """
        wrapper = runner.optim_wrapper
        if not isinstance(wrapper, OptimWrapper) or 'optimizer' not in checkpoint or get_world_size() > 1:
            return
        if wrapper.inner_count % wrapper._accumulative_counts:
            named = _unwrapped(runner).named_parameters()
            checkpoint['partial_grads'] = {name: p.grad.cpu() for name, p in named if p.grad is not None}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Put waiting gradients back on resume."""
        grads = checkpoint.get('partial_grads') if runner._resume else None
        if grads and get_world_size() == 1:
            for name, param in _unwrapped(runner).named_parameters():
                param.grad = grads[name].to(param.device).clone() if name in grads else None

    def _set_epoch(self, runner: Runner) -> None:
        for counter in self._counters:
            counter.set(runner.seed, runner.epoch)


def _unwrapped(runner: Runner) -> Any:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """``CheckpointHook`` that never leaves a work directory without a whole checkpoint.

    MMEngine's hook deletes the oldest checkpoint, and the former best one, before it writes the next and rewrites
    ``last_checkpoint`` in place; a kill in between can leave nothing to resume from. Here the old one goes last. A best
    checkpoint outside the folder belongs to the run that this one goes on from, and is never deleted. Options are those
    of ``CheckpointHook``.
    """

    def before_train(self, runner: Runner) -> None:
        """Take over those best checkpoints of a resumed run that lie in the folder of this one."""
        super().before_train(runner)
        own = {key: os.path.join(self.out_dir, os.path.basename(path)) for key, path in self._best().items() if path}
        self._set_best({key: path if os.path.isfile(path) else None for key, path in own.items()})

    def _best(self) -> dict[str, str | None]:
        """Best checkpoints by metric; where there is one metric, its name is left out."""
        if not self.save_best:
            return {}
        return {'': self.best_ckpt_path} if len(self.key_indicators) == 1 else dict(self.best_ckpt_path_dict)

    def _set_best(self, paths: Mapping[str, str | None]) -> None:
        if self.save_best and len(self.key_indicators) == 1:
            self.best_ckpt_path = paths.get('')
        elif self.save_best:
            self.best_ckpt_path_dict = {key: paths.get(key) for key in self.key_indicators}

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        former = self._best()
        self._set_best({})  # so that nothing is deleted before the new one is whole
        super()._save_best_checkpoint(runner, metrics)
        found = self._best()
        for key, path in former.items():
            if path and found[key] and found[key] != path and is_main_process():
                Path(path).unlink(missing_ok=True)
        self._set_best({key: path or former.get(key) for key, path in found.items()})

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        stale = None
        if self.max_keep_ckpts > 0 and (not self.keep_ckpt_ids or self.keep_ckpt_ids[-1] != step):
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                stale = self.keep_ckpt_ids.popleft()
            self.keep_ckpt_ids.append(step)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        filename = self.filename_tmpl.format(step)
        self.last_ckpt = str(Path(self.out_dir) / filename)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            filename,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if not is_main_process():
            return
        with atomic_write(Path(runner.work_dir) / 'last_checkpoint', 'w') as file:
            file.write(self.last_ckpt)
        if stale is not None:
            (Path(self.out_dir) / self.filename_tmpl.format(stale)).unlink(missing_ok=True)
