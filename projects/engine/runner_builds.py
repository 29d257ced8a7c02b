"""A Runner that names what its parts cannot be built with, and runs on processes without a GPU."""

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import is_distributed
from mmengine.model import MMDistributedDataParallel, is_model_wrapper, revert_sync_batchnorm
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import MODEL_WRAPPERS, OPTIMIZERS
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch import nn
from torch.utils.data import DataLoader

from .config import naming_config_keys
from .config_builds import ConfigError, check_count, check_not_empty, naming_part
from .config_parts import unmatched_custom_keys
from .device import lay_out_weights
from .distributed import end_with_launcher, setup_cpu_process_group
from .step_size import other_step_size, with_scaled_floor
from .workers import start_worker_with_one_thread


class CheckedRunner(Runner):
    """``Runner`` whose builders name the key of the config that is wrong; arguments are those of ``Runner``."""

    param_schedulers: Any

    def setup_env(self, env_cfg: dict) -> None:
        """Join a gloo group when there is no GPU, then do what ``Runner`` does."""
        if self._launcher == 'pytorch' and 'TORCHELASTIC_RUN_ID' in os.environ:
            end_with_launcher()
        if self.distributed and not is_distributed() and get_device() == 'cpu':
            setup_cpu_process_group(self._launcher, env_cfg.get('dist_cfg', {}).get('timeout'))
        super().setup_env(env_cfg)

    def build_model(self, model: nn.Module | dict) -> nn.Module:
        """Build the model; a misspelt key of its config is named with its place.

        Raises:
            ConfigError: If a constructor does not know a key.
        """
        with naming_config_keys(model, 'model'), naming_part(model, 'model'):
            return super().build_model(model)

    def build_optim_wrapper(self, optim_wrapper: dict | OptimWrapper | OptimWrapperDict) -> Any:
        """Build the optimizer as ``Runner`` does; values that it cannot be built with are named.

        Keys of ``custom_keys`` that match no parameter, and so change nothing, get a warning.
        """
        for key in unmatched_custom_keys(self.model, optim_wrapper):
            place = 'optim_wrapper.paramwise_cfg.custom_keys'
            self.logger.warning(f'{place}: {key!r} is in no parameter name of the model')
        with naming_part(optim_wrapper, 'optim_wrapper'):
            kind = (optim_wrapper.get('optimizer') or {}).get('type') if isinstance(optim_wrapper, Mapping) else None
            if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
                raise ConfigError(f'optim_wrapper.optimizer.type {kind!r} is no optimizer of torch or MMEngine')
            return super().build_optim_wrapper(optim_wrapper)

    def scale_lr(self, optim_wrapper: OptimWrapper | OptimWrapperDict, auto_scale_lr: dict | None = None) -> None:
        """Scale the learning rate, and the lowest one of schedules, by the samples of a step over those of the config.

        Batches that are accumulated count. A step of another size gets a warning where scaling is off.

        Raises:
            ConfigError: If scaling is on and the config does not say for how many samples its rate is made.
        """
        options = auto_scale_lr or {}
        base, batch = options.get('base_batch_size'), getattr(self.train_dataloader, 'batch_size', None)
        if base is None and options.get('enable'):
            raise ConfigError('auto_scale_lr.enable needs auto_scale_lr.base_batch_size')
        if base is None or batch is None:
            return
        check_count(base, 'auto_scale_lr.base_batch_size')
        counts = getattr(optim_wrapper, '_accumulative_counts', 1)
        difference = other_step_size(self.world_size, batch, counts, base)
        if difference is None or not options.get('enable'):
            if difference:
                self.logger.warning(difference)
            return
        ratio = self.world_size * batch * counts / base
        wrappers = optim_wrapper.values() if isinstance(optim_wrapper, OptimWrapperDict) else [optim_wrapper]
        for group in (group for wrapper in wrappers for group in wrapper.optimizer.param_groups):
            group['lr'] *= ratio
        self.param_schedulers = with_scaled_floor(self.param_schedulers, ratio)
        self.logger.info(
            f'learning rate times {ratio:g}: a step has {self.world_size * batch * counts} samples, base_batch_size is '
            f'{base}'
        )

    def build_param_scheduler(self, scheduler: Any) -> Any:
        """Build the schedulers as ``Runner`` does; values that they cannot be built with are named."""
        with naming_part({'param_scheduler': scheduler}, 'param_scheduler'):
            return super().build_param_scheduler(scheduler)

    def set_randomness(self, seed: int | None, diff_rank_seed: bool = False, deterministic: bool = False) -> None:
        """Seed as ``Runner`` does.

        With ``deterministic``, operations that cannot repeat bit by bit on CUDA warn there instead of raising:
        docs/gpu.md names them. Products of matrices repeat there with a workspace of their own, which the environment
        variable of cuBLAS chooses; one that is set stays.

        Raises:
            ConfigError: If the seed is no integer from 0 to 2**32 - 1, or None.
        """
        if seed is not None:
            check_count(seed, 'randomness.seed', 0)
        super().set_randomness(seed, diff_rank_seed, deterministic)
        if deterministic and torch.cuda.is_available():
            os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
            torch.use_deterministic_algorithms(True, warn_only=True)

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, seed: int | None = None, diff_rank_seed: bool = False
    ) -> DataLoader:
        """Build a data loader whose workers have one thread; without workers there are none to keep or to read ahead.

        A ``DataLoader`` that is given stays as it is.
        """
        if not isinstance(dataloader, dict):
            return Runner.build_dataloader(dataloader, seed=seed, diff_rank_seed=diff_rank_seed)
        if not dataloader.get('num_workers'):
            dataloader = {k: v for k, v in dataloader.items() if k not in ('persistent_workers', 'prefetch_factor')}
        loader = Runner.build_dataloader(dataloader, seed=seed, diff_rank_seed=diff_rank_seed)
        loader.worker_init_fn = partial(start_worker_with_one_thread, loader.worker_init_fn)
        return loader

    def build_train_loop(self, loop: dict | BaseLoop) -> BaseLoop:
        """Build the training loop and check that there is something to train on.

        Raises:
            ValueError: If the training set has no sample, or fewer than a batch when incomplete ones are dropped.
        """
        for key in ('max_epochs', 'max_iters') if isinstance(loop, Mapping) else ():
            if key in loop:
                check_count(loop[key], f'train_cfg.{key}')
        with naming_part(loop, 'train_dataloader or train_cfg'):
            return check_not_empty(super().build_train_loop(loop), 'train_dataloader')

    def build_val_loop(self, loop: dict | BaseLoop) -> BaseLoop:
        """As :meth:`build_train_loop`, for validation."""
        return check_not_empty(super().build_val_loop(loop), 'val_dataloader')

    def build_test_loop(self, loop: dict | BaseLoop) -> BaseLoop:
        """As :meth:`build_train_loop`, for testing."""
        return check_not_empty(super().build_test_loop(loop), 'test_dataloader')

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wrap the model for distributed training; on the CPU without device ids and without SyncBN.

        On a GPU its weights are laid out as its images are, see :func:`lay_out_weights`.
        """
        if get_device() == 'cuda' and not is_model_wrapper(model):
            model = lay_out_weights(model)
        if not self.distributed or is_model_wrapper(model) or get_device() != 'cpu':
            return super().wrap_model(model_wrapper_cfg, model)
        model = revert_sync_batchnorm(model.to('cpu'))
        options: dict[str, Any] = {'module': model, 'device_ids': None, 'broadcast_buffers': False}
        if model_wrapper_cfg is None:
            return MMDistributedDataParallel(
                find_unused_parameters=self.cfg.get('find_unused_parameters', False), **options
            )
        return MODEL_WRAPPERS.build({'type': 'MMDistributedDataParallel', **model_wrapper_cfg}, default_args=options)
