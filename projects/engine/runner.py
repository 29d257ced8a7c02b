"""A Runner with safe checkpoints, exact resume and CPU process groups."""

import os
import pickle
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mmengine
from mmengine.device import get_device
from mmengine.dist import is_distributed, master_only
from mmengine.model import BaseTTAModel, MMDistributedDataParallel, is_model_wrapper, revert_sync_batchnorm
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import MODEL_WRAPPERS, OPTIMIZERS, RUNNERS
from mmengine.runner import Runner, load_state_dict
from mmengine.runner.base_loop import BaseLoop
from mmengine.runner.checkpoint import weights_to_cpu
from torch import nn
from torch.utils.data import DataLoader

from projects.fileio import FolderLock, naming_file

from .agreement import decide_for_all, require_same
from .checkpoint import CheckpointError, file_sha256, load_checkpoint_safe, save_checkpoint_atomic, to_plain
from .config import naming_config_keys
from .config_builds import ConfigError, check_count, naming_part
from .distributed import end_with_launcher, setup_cpu_process_group
from .resume import CONFIG_KEY, check_resumable_into, config_values, describe_differences
from .weights import check_state_dict

_ALLOW_MISSING = 'load_from_allow_missing'
_RESUME_KEYS = ('state_dict', 'optimizer', 'message_hub')


def list_checkpoints(work_dir: str | os.PathLike) -> list[Path]:
    """Checkpoints of a work directory that a run could go on from, newest first; whole or not."""
    files = [path for path in Path(work_dir).glob('*.pth') if not path.name.startswith('best_')]
    return sorted(files, key=lambda path: path.stat().st_mtime_ns, reverse=True)


@RUNNERS.register_module()
class SafeRunner(Runner):
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
        """Build a runner as ``Runner`` does; a full disk is named with the work directory."""
        with naming_file(cfg['work_dir']):
            return super().from_cfg(cfg)

    def setup_env(self, env_cfg: dict) -> None:
        """Join a gloo group when there is no GPU, then do what ``Runner`` does.

        Args:
            env_cfg (dict): ``cfg.env_cfg``.
        """
        if self._launcher == 'pytorch' and 'TORCHELASTIC_RUN_ID' in os.environ:
            end_with_launcher()
        if self.distributed and not is_distributed() and get_device() == 'cpu':
            setup_cpu_process_group(self._launcher, env_cfg.get('dist_cfg', {}).get('timeout'))
        super().setup_env(env_cfg)

    def build_model(self, model: nn.Module | dict) -> nn.Module:
        """Build the model; a misspelt key of its config is named with its place.

        Args:
            model (nn.Module or dict): The model or its config.

        Returns:
            nn.Module: The model.

        Raises:
            ConfigError: If a constructor does not know a key.
        """
        with naming_config_keys(model, 'model'), naming_part(model, 'model'):
            return super().build_model(model)

    def build_optim_wrapper(self, optim_wrapper: dict | OptimWrapper | OptimWrapperDict) -> Any:
        """Build the optimizer as ``Runner`` does; values that it cannot be built with are named."""
        with naming_part(optim_wrapper, 'optim_wrapper'):
            kind = (optim_wrapper.get('optimizer') or {}).get('type') if isinstance(optim_wrapper, Mapping) else None
            if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
                raise ConfigError(f'optim_wrapper.optimizer.type {kind!r} is no optimizer of torch or MMEngine')
            return super().build_optim_wrapper(optim_wrapper)

    def build_param_scheduler(self, scheduler: Any) -> Any:
        """Build the schedulers as ``Runner`` does; values that they cannot be built with are named."""
        with naming_part({'param_scheduler': scheduler}, 'param_scheduler'):
            return super().build_param_scheduler(scheduler)

    def set_randomness(self, seed: int | None, diff_rank_seed: bool = False, deterministic: bool = False) -> None:
        """Seed as ``Runner`` does.

        Raises:
            ConfigError: If the seed is no integer from 0 to 2**32 - 1, or None.
        """
        if seed is not None:
            check_count(seed, 'randomness.seed', 0)
        super().set_randomness(seed, diff_rank_seed, deterministic)

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, seed: int | None = None, diff_rank_seed: bool = False
    ) -> DataLoader:
        """Build a data loader; without workers there are none to keep or to read ahead.

        Args:
            dataloader (DataLoader or dict): As in ``Runner``.
            seed (int, optional): As in ``Runner``.
            diff_rank_seed (bool): As in ``Runner``.

        Returns:
            DataLoader: The loader.
        """
        if isinstance(dataloader, dict) and not dataloader.get('num_workers'):
            dataloader = {k: v for k, v in dataloader.items() if k not in ('persistent_workers', 'prefetch_factor')}
        return Runner.build_dataloader(dataloader, seed=seed, diff_rank_seed=diff_rank_seed)

    def build_train_loop(self, loop: dict | BaseLoop) -> BaseLoop:
        """Build the training loop and check that there is something to train on.

        Args:
            loop (dict or BaseLoop): As in ``Runner``.

        Returns:
            BaseLoop: The loop.

        Raises:
            ValueError: If the training set has no sample, or fewer than a batch when incomplete ones are dropped.
        """
        for key in ('max_epochs', 'max_iters') if isinstance(loop, Mapping) else ():
            if key in loop:
                check_count(loop[key], f'train_cfg.{key}')
        with naming_part(loop, 'train_dataloader or train_cfg'):
            return _not_empty(super().build_train_loop(loop), 'train_dataloader')

    def build_val_loop(self, loop: dict | BaseLoop) -> BaseLoop:
        """As :meth:`build_train_loop`, for validation."""
        return _not_empty(super().build_val_loop(loop), 'val_dataloader')

    def build_test_loop(self, loop: dict | BaseLoop) -> BaseLoop:
        """As :meth:`build_train_loop`, for testing."""
        return _not_empty(super().build_test_loop(loop), 'test_dataloader')

    def train(self) -> nn.Module:
        """Train as ``Runner`` does, with the work directory for itself.

        An unknown key of any part of the config is named with its place.

        Returns:
            nn.Module: The model.

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

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wrap the model for distributed training; on the CPU without device ids and without SyncBN.

        Args:
            model_wrapper_cfg (dict, optional): As in ``Runner``.
            model (nn.Module): The model.

        Returns:
            nn.Module: The wrapped model.
        """
        if not self.distributed or is_model_wrapper(model) or get_device() != 'cpu':
            return super().wrap_model(model_wrapper_cfg, model)
        model = revert_sync_batchnorm(model.to('cpu'))
        options: dict[str, Any] = {'module': model, 'device_ids': None, 'broadcast_buffers': False}
        if model_wrapper_cfg is None:
            return MMDistributedDataParallel(
                find_unused_parameters=self.cfg.get('find_unused_parameters', False), **options
            )
        return MODEL_WRAPPERS.build({'type': 'MMDistributedDataParallel', **model_wrapper_cfg}, default_args=options)

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
            _check_resumable(checkpoint, filename)
            check_resumable_into(checkpoint, filename, self.cfg)
            # MMEngine would evaluate this text as Python.
            checkpoint['meta'].pop('config', None)
        for pattern, replacement in revise_keys if revise_keys is not None else [(r'^module\.', '')]:
            state = OrderedDict((re.sub(pattern, replacement, k), v) for k, v in checkpoint['state_dict'].items())
            state._metadata = getattr(checkpoint['state_dict'], '_metadata', OrderedDict())  # type: ignore[attr-defined]
            checkpoint['state_dict'] = state
        model = self.model.module if is_model_wrapper(self.model) else self.model
        weights_of = model.module if isinstance(model, BaseTTAModel) else model
        starts = training and not self._resume
        parts, option = (self.cfg.get(_ALLOW_MISSING), _ALLOW_MISSING) if starts else (None, None)
        notes = check_state_dict(weights_of, checkpoint['state_dict'], filename, parts, option)
        if notes:
            self.logger.info(notes)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        load_state_dict(model, checkpoint['state_dict'], strict, self.logger)
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        if self._resume and training:
            self._settle_dataset_meta(checkpoint)
            before = checkpoint['meta'].get(CONFIG_KEY)
            difference = describe_differences(before, config_values(self.cfg)) if before else None
            if difference:
                self.logger.warning(difference)
        return checkpoint

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
            found = decide_for_all(self._find_resumable)
            if found is None:
                self.logger.warning(f'Nothing to resume in {self.work_dir}: training starts from the beginning')
                self._resume = False
            else:
                source = found
        if source is None:
            if self.cfg.get(_ALLOW_MISSING) and not self._resume:
                raise ValueError(f'{_ALLOW_MISSING} is set, but there is no load_from whose weights could be missing')
            return
        digest = file_sha256(source)[:16] if Path(source).is_file() else 'no such file'
        require_same(digest, f'checkpoint {source}', 'Copy it to the same path of every node, or use a shared folder.')
        if self._resume:
            self.logger.info(f'Resume from {source}')
            self.resume(source)
            require_same((self.epoch, self.iter), 'epoch and iteration after resume', 'This is a fault of the code.')
        else:
            self.load_checkpoint(source)

    def _find_resumable(self) -> str | None:
        """Return the newest whole checkpoint of the work directory, None when it has no checkpoint."""
        work_dir = Path(self.work_dir)
        candidates = list_checkpoints(work_dir)
        pointer = work_dir / 'last_checkpoint'
        name = pointer.read_text(encoding='utf-8', errors='replace').strip() if pointer.is_file() else ''
        for path in (Path(name), work_dir / Path(name).name) if name else ():
            if path.is_file():
                candidates = [path, *(other for other in candidates if other.resolve() != path.resolve())]
                break
        for path in candidates:
            try:
                _check_resumable(load_checkpoint_safe(path), path)
                return str(path)
            except CheckpointError as error:
                self.logger.warning(f'Skipped on resume: {error}')
        if candidates:
            raise CheckpointError(
                f'none of the {len(candidates)} checkpoints in {work_dir} can be resumed from (see the warnings); '
                f'delete them or use another --work-dir to start from the beginning'
            )
        return None

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
            CONFIG_KEY: config_values(self.cfg),
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
            'message_hub': self._plain_message_hub(),
        }
        if save_optimizer:
            checkpoint['optimizer'] = self.optim_wrapper.state_dict()
        if save_param_scheduler and self.param_schedulers is not None:
            checkpoint['param_schedulers'] = self._param_scheduler_states()
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        for key in checkpoint:
            if key not in ('state_dict', 'ema_state_dict', 'message_hub'):
                checkpoint[key] = _to_cpu(to_plain(checkpoint[key], key))
        save_checkpoint_atomic(checkpoint, os.path.join(out_dir, filename))

    def _param_scheduler_states(self) -> Any:
        if isinstance(self.param_schedulers, dict):
            return {name: [s.state_dict() for s in group] for name, group in self.param_schedulers.items()}
        return [scheduler.state_dict() for scheduler in self.param_schedulers]

    def _plain_message_hub(self) -> dict:
        """Return the hub's state as plain data; entries of other kinds are left out with a warning."""
        state = self.message_hub.state_dict()
        plain: dict[str, Any] = {'log_scalars': to_plain(dict(state['log_scalars'])), 'runtime_info': {}}
        for key, value in state['runtime_info'].items():
            try:
                plain['runtime_info'][key] = _to_cpu(to_plain(value, key))
            except TypeError as error:
                self.logger.warning(f'Message hub entry left out of the checkpoint: {error}')
        kept = plain['log_scalars'].keys() | plain['runtime_info'].keys()
        plain['resumed_keys'] = {k: bool(v) for k, v in state['resumed_keys'].items() if k in kept}
        return plain


def _not_empty(loop: BaseLoop, key: str) -> BaseLoop:
    """Stop when a loop would have no batch, and say why."""
    loader = loop.dataloader
    if isinstance(loader.dataset, Sized) and len(loader) == 0:
        samples, batch = len(loader.dataset), loader.batch_size
        why = f'its data set has {samples} samples'
        if samples:
            share = len(loader.sampler) if isinstance(loader.sampler, Sized) else samples
            per_process = f', {share} of them for this process' if share < samples else ''
            why += f'{per_process}, less than one batch of {batch}, and {key}.drop_last drops what is left over'
            raise ValueError(
                f'{key} gives no batch: {why}. Lower {key}.batch_size, set {key}.drop_last=False, or use more samples '
                f'({key}.dataset.indices takes a part of them)'
            )
        raise ValueError(f'{key} gives no batch: {why}. Check {key}.dataset: ann_file, indices')
    return loop


def _check_resumable(checkpoint: dict, path: str | Path) -> None:
    """Stop unless training can continue from a checkpoint."""
    absent = [key for key in _RESUME_KEYS if key not in checkpoint]
    if absent or 'epoch' not in checkpoint['meta']:
        raise CheckpointError(
            f"{path} cannot be resumed from: it lacks {absent or ['meta.epoch']} (checkpoints named 'best_*' and "
            f'published ones hold weights only); resume from epoch_N.pth or start from it with load_from'
        )
    for key, kind in (('optimizer', dict), ('param_schedulers', (list, dict)), ('message_hub', dict)):
        if key in checkpoint and not isinstance(checkpoint[key], kind):
            found = type(checkpoint[key]).__name__
            raise CheckpointError(f'{path} cannot be resumed from: its {key!r} is {found}; resume from another one')
    for key in ('epoch', 'iter'):
        value = checkpoint['meta'].get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise CheckpointError(
                f'{path} cannot be resumed from: its meta.{key} must be a count, got {value!r}; resume from another one'
            )


def _to_cpu(value: Any) -> Any:
    """Move the tensors of a plain state to the CPU."""
    if hasattr(value, 'cpu'):
        return value.cpu()
    if isinstance(value, dict):
        return type(value)((key, _to_cpu(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return type(value)(_to_cpu(item) for item in value)
    return value
