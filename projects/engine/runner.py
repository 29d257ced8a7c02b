"""A Runner with safe checkpoints, exact resume and CPU process groups."""

import os
import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mmengine
from mmengine.dist import master_only
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.registry import RUNNERS
from mmengine.runner import EpochBasedTrainLoop, load_state_dict
from mmengine.runner.base_loop import BaseLoop
from mmengine.runner.checkpoint import weights_to_cpu
from torch import nn

from projects.fileio import FolderLock, naming_file

from .agreement import decide_for_all, require_same
from .checkpoint import file_sha256, load_checkpoint_safe, save_checkpoint_atomic, to_plain
from .config import naming_config_keys
from .resume import (
    CONFIG_KEY,
    check_resumable,
    check_resumable_into,
    config_values,
    describe_differences,
    find_resumable,
    list_checkpoints,
)
from .runner_builds import CheckedRunner
from .state import on_cpu, plain_message_hub, scheduler_states
from .step_size import schedulers_at
from .weights import fitting_weights

_ALLOW_MISSING = 'load_from_allow_missing'


@RUNNERS.register_module()
class SafeRunner(CheckedRunner):
    """``Runner`` for configs with ``runner_type='SafeRunner'``.

    - Checkpoints are written atomically, hold plain data and load with ``weights_only=True``.
    - A checkpoint that does not fill the model stops the run. Where training starts from it, the config may name the
      parts that it lacks: ``load_from_allow_missing = ['occ_head']``.
    - ``--resume`` skips truncated checkpoints with a warning and takes the newest whole one.
    - ``launcher='pytorch'`` works without CUDA: gloo process group, DDP without device ids, BatchNorm for SyncBN.

    Arguments are those of ``mmengine.runner.Runner``; ``resume`` may be 'auto' as well, see :meth:`load_or_resume`.
    """

    _resume: bool | str

    @classmethod
    def from_cfg(cls, cfg: Mapping[str, Any]) -> 'SafeRunner':
        """Build a runner as ``Runner`` does; a full disk and a wrong key of the config are named."""
        with naming_file(cfg['work_dir']), naming_config_keys(cfg):
            return super().from_cfg(cfg)

    def train(self) -> nn.Module:
        """Train as ``Runner`` does, with the work directory for itself.

        An unknown key of any part of the config is named with its place.

        Raises:
            FolderInUseError: If another training holds the work directory.
        """
        with self._only_training_here(), naming_file(self.work_dir), naming_config_keys(self.cfg):
            return super().train()

    @contextmanager
    def _only_training_here(self) -> Iterator[None]:
        """Hold the work directory; clean up what a killed run left behind."""
        lock = FolderLock(self.work_dir, Path(self.work_dir) / '.training')

        def enter() -> None:
            lock.__enter__()
            for leftover in Path(self.work_dir).glob('.*.tmp'):
                leftover.unlink(missing_ok=True)

        decide_for_all(enter)
        try:
            yield
        finally:
            lock.__exit__()

    def val(self) -> dict:
        """Validate as ``Runner`` does; see :meth:`train`."""
        with naming_file(self.work_dir), naming_config_keys(self.cfg):
            return super().val()

    def test(self) -> dict:
        """Test as ``Runner`` does; see :meth:`train`."""
        with naming_file(self.work_dir), naming_config_keys(self.cfg):
            return super().test()

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = 'cpu',
        strict: bool = False,
        revise_keys: list | None = None,
    ) -> dict:
        """Load weights with ``weights_only=True`` and check that they belong to the model.

        Args:
            filename (str): Local file or http(s) address.
            map_location (str or callable): As in ``torch.load``. Defaults to 'cpu'.
            strict (bool): Whether keys must match exactly. Defaults to False.
            revise_keys (list, optional): (pattern, replacement) pairs for the names. Defaults to None, which
                strips ``module.``.

        Returns:
            dict: The checkpoint.

        Raises:
            FileNotFoundError: If the file does not exist.
            CheckpointError: If the file cannot be used, belongs to another model, or holds weights only on resume.
        """
        checkpoint = load_checkpoint_safe(filename, map_location)
        training = isinstance(self._train_loop, BaseLoop)
        if self._resume and training:
            check_resumable(checkpoint, filename)
            check_resumable_into(checkpoint, filename, self.cfg)
            # MMEngine would evaluate this text as Python.
            checkpoint['meta'].pop('config', None)
            self._settle_length(checkpoint)
        model = self.model.module if is_model_wrapper(self.model) else self.model
        weights_of = model.module if isinstance(model, BaseTTAModel) else model
        starts = training and not self._resume
        parts, option = (self.cfg.get(_ALLOW_MISSING), _ALLOW_MISSING) if starts else (None, None)
        state_dict = checkpoint['state_dict']
        checkpoint['state_dict'] = fitting_weights(weights_of, state_dict, filename, parts, option, revise_keys)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        load_state_dict(model, checkpoint['state_dict'], strict, self.logger)
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        if self._resume and training:
            self._settle_dataset_meta(checkpoint)
            before = checkpoint['meta'].get(CONFIG_KEY)
            now = self._config_values()
            # A checkpoint of 0.2 does not say how many processes wrote it.
            difference = describe_differences({'processes': now['processes'], **before}, now) if before else None
            if difference:
                self.logger.warning(difference)
        return checkpoint

    def _config_values(self) -> dict[str, Any]:
        """Values that decide how training goes on; see :func:`config_values`."""
        return {'processes': self.world_size, **config_values(self.cfg)}

    def _settle_length(self, checkpoint: dict) -> None:
        """Move iterations and schedules to where the first epoch that is left begins in this run.

        Another number of processes, batch size or number of samples gives an epoch another length, and a checkpoint
        from the middle of an epoch lies behind the beginning of the epoch, which is trained anew.
        """
        meta, length = checkpoint['meta'], len(self.train_dataloader)
        start = meta['epoch'] * length
        if not isinstance(self._train_loop, EpochBasedTrainLoop) or meta.get('iter') == start:
            return
        self.logger.warning(
            f'the checkpoint was written at iteration {meta.get("iter")}; here epoch {meta["epoch"] + 1} begins at '
            f'iteration {start}, since an epoch has {length}. Training goes on there, and schedules given in epochs as '
            'well: they end with the training. The result is not that of an uninterrupted run to the bit'
        )
        meta['iter'] = start
        fresh = scheduler_states(self.param_schedulers) if self.param_schedulers is not None else None
        saved = checkpoint.get('param_schedulers')
        checkpoint['param_schedulers'] = schedulers_at(saved, fresh, self.cfg.get('param_scheduler'), start)

    def _settle_dataset_meta(self, checkpoint: dict) -> None:
        """Give the recorded data set meta the types of the live one, so that only true differences are reported.

        A key that the record does not have yet is no difference: it was written before data sets said as much.
        """
        live = getattr(self.train_dataloader.dataset, 'metainfo', None)
        plain, recorded = to_plain(live), checkpoint['meta'].get('dataset_meta')
        if isinstance(plain, dict) and isinstance(recorded, dict):
            plain = {key: value for key, value in plain.items() if key in recorded}
        if pickle.dumps(plain) == pickle.dumps(recorded) or plain == recorded:
            checkpoint['meta']['dataset_meta'] = live

    def load_or_resume(self) -> None:
        """Load ``load_from``, or resume.

        ``resume=True`` goes on from ``load_from``, or without it from the newest whole checkpoint of the work
        directory. ``resume='auto'`` looks into the work directory first, and where it has no checkpoint starts with the
        weights of ``load_from``, as without resume. The first process looks and tells the others.

        Raises:
            CheckpointError: If the work directory has checkpoints and none of them can be used, or the checkpoint is
                not of such a run.
            RuntimeError: If the checkpoint is not the same on all nodes.
            ValueError: If ``load_from_allow_missing`` is set without ``load_from``.
        """
        if self._has_loaded:
            return
        source = self._load_from
        if self._resume and (source is None or self._resume == 'auto'):
            found = decide_for_all(lambda: find_resumable(self.work_dir, self.logger.warning))
            if found is None:
                self.logger.warning(f'Nothing to resume in {self.work_dir}: training starts from the beginning')
                self._resume = False
            else:
                source = found
        elif not self._resume and isinstance(self._train_loop, BaseLoop):
            self._warn_of_former_training()
        if source is None:
            if self.cfg.get(_ALLOW_MISSING) and not self._resume:
                raise ValueError(f'{_ALLOW_MISSING} is set, but there is no load_from whose weights could be missing')
            return
        digest = file_sha256(source)[:16] if Path(source).is_file() else 'no such file'
        require_same(digest, f'checkpoint {source}', 'Copy it to the same path of every node, or use a shared folder.')
        if self._resume:
            self.logger.info(f'Resume from {source}')
            self.resume(source, map_location='cpu')  # what belongs on a GPU is copied there
            require_same((self.epoch, self.iter), 'epoch and iteration after resume', 'This is a fault of the code.')
        else:
            model = self.model.module if is_model_wrapper(self.model) else self.model
            own = getattr(model, 'student_ckpt', None)
            if own and isinstance(self._train_loop, BaseLoop):
                self.logger.warning(f'load_from={source} goes over the weights of model.student_ckpt={own}')
            self.load_checkpoint(source)

    def _warn_of_former_training(self) -> None:
        former = [path.name for path in list_checkpoints(self.work_dir)]
        if former:
            self.logger.warning(
                f'{self.work_dir} holds checkpoints of a former training ({", ".join(former[:3])}). This one starts '
                'from the beginning and overwrites those of the same name; --resume goes on from them, and another '
                '--work-dir keeps them'
            )

    @master_only
    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: dict | None = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: dict | None = None,
        by_epoch: bool = True,
        backend_args: dict | None = None,
    ) -> None:
        """Write a checkpoint atomically, as plain data.

        Args:
            out_dir (str): A local directory.
            filename (str): Name of the file.
            file_client_args (dict, optional): Not supported; storage is local.
            save_optimizer (bool): Whether to save the optimizer's state. Defaults to True.
            save_param_scheduler (bool): Whether to save the schedulers' state. Defaults to True.
            meta (dict, optional): Extra meta data. Defaults to None.
            by_epoch (bool): Whether training counts epochs. Defaults to True.
            backend_args (dict, optional): Not supported; storage is local.

        Raises:
            ValueError: If a remote storage is asked for.
        """
        if file_client_args or backend_args or '://' in str(out_dir):
            raise ValueError(f'SafeRunner writes checkpoints to local directories only, got {out_dir}')
        meta = {
            'epoch': self.epoch + 1 if by_epoch else self.epoch,
            'iter': self.iter if by_epoch else self.iter + 1,
            **(meta or {}),
            'cfg': self.cfg.pretty_text,
            CONFIG_KEY: self._config_values(),
            'seed': self.seed,
            'experiment_name': self.experiment_name,
            'time': time.strftime('%Y%m%d_%H%M%S', time.localtime()),
            'mmengine_version': mmengine.__version__,
        }
        if hasattr(self.train_dataloader.dataset, 'metainfo'):
            meta['dataset_meta'] = self.train_dataloader.dataset.metainfo
        model = self.model.module if is_model_wrapper(self.model) else self.model
        checkpoint: dict[str, Any] = {
            'meta': meta,
            'state_dict': weights_to_cpu(model.state_dict()),
            'message_hub': plain_message_hub(self.message_hub, self.logger.warning),
        }
        if save_optimizer:
            checkpoint['optimizer'] = self.optim_wrapper.state_dict()
        if save_param_scheduler and self.param_schedulers is not None:
            checkpoint['param_schedulers'] = scheduler_states(self.param_schedulers)
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        for key in checkpoint:
            if key in ('state_dict', 'ema_state_dict'):
                checkpoint[key] = weights_to_cpu(checkpoint[key])  # hooks put weights there that are on a GPU
            elif key != 'message_hub':
                checkpoint[key] = on_cpu(to_plain(checkpoint[key], key))
        save_checkpoint_atomic(checkpoint, os.path.join(out_dir, filename))
