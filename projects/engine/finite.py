"""Training stops at the first loss, gradient or weight that is NaN or infinite, before it is saved."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import Tensor

from projects.fileio import list_names

_SHOWN = 5
_REMEDY = (
    'Lower optim_wrapper.optimizer.lr or the weight of the loss, set optim_wrapper.clip_grad, train without --amp, or '
    'look at the sample. Nothing was saved since; --resume goes on from the last checkpoint'
)


class NonFiniteError(FloatingPointError):
    """A loss, gradient or weight that is NaN or infinite; the message names it, the iteration and the samples."""


def sample_names(data_samples: Any) -> list[str]:
    """Names of the samples of a batch: their token or frame id, as far as they have one."""
    names = []
    for sample in data_samples if isinstance(data_samples, Sequence) else []:
        meta = getattr(sample, 'metainfo', {})
        names.append(str(next((meta[key] for key in ('token', 'frame_id', 'sample_idx') if key in meta), '?')))
    return names


def _unlabelled(data_samples: Any) -> str:
    """What a loss of labels makes of samples without any, for the message."""
    samples = data_samples if isinstance(data_samples, Sequence) else []
    without = [sample for sample in samples if not getattr(sample, 'metainfo', {}).get('labelled', True)]
    if not without:
        return ''
    names = ', '.join(sample_names(without))
    return f'Samples {names} have no labels, and a mean over no label is NaN: the loss must be 0 there. '


def _where(data_samples: Any) -> str:
    hub = MessageHub.get_current_instance()
    epoch, iteration = (hub.get_info(key, None) for key in ('epoch', 'iter'))
    place = f'epoch {epoch + 1}, iteration {iteration + 1}' if epoch is not None and iteration is not None else ''
    names = sample_names(data_samples)
    samples = f'samples {", ".join(names)}' if names else ''
    return ', '.join(part for part in (place, f'process {get_rank()}', samples) if part)


def check_finite_losses(losses: Mapping[str, Any], data_samples: Any) -> None:
    """Stop at a loss that is NaN or infinite.

    Args:
        losses (Mapping): Losses by name: scalars, or lists of them.
        data_samples (Any): Data samples of the batch, for the message.

    Raises:
        NonFiniteError: If a loss is not finite.
    """
    values = {
        name: [_mean(part.detach().float()) for part in (loss if isinstance(loss, Sequence) else [loss])]
        for name, loss in losses.items()
        if isinstance(loss, (Tensor, list, tuple)) and 'loss' in name
    }
    parts = [part for of_name in values.values() for part in of_name]
    # One look at all of them, so that a GPU is waited for once.
    if not parts or math.isfinite(torch.stack(parts).sum().item()):
        return
    sums = {name: sum(part.item() for part in of_name) for name, of_name in values.items()}
    wrong = [f'{name} = {value}' for name, value in sums.items() if not math.isfinite(value)]
    if wrong:
        raise NonFiniteError(f'{", ".join(wrong)} ({_where(data_samples)}). {_unlabelled(data_samples)}{_REMEDY}')


def _mean(loss: Tensor) -> Tensor:
    return loss.mean() if loss.dim() else loss


def non_finite_names(named: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that hold NaN or infinity.

    Args:
        named (Mapping[str, Tensor]): Tensors by name; those of integers are finite.

    Returns:
        list[str]: Their names, in order.
    """
    floating = {name: value for name, value in named.items() if value.is_floating_point() and value.numel()}
    if not floating:
        return []
    # All at once: a GPU has one launch for many tensors of a kind.
    norms = torch._foreach_norm([value.detach() for value in floating.values()])
    if bool(torch.isfinite(torch.stack([norm.float() for norm in norms]).sum())):
        return []
    # A norm may overflow although every value is finite.
    return [name for name, value in floating.items() if not torch.isfinite(value).all()]


@HOOKS.register_module()
class FiniteTrainingHook(Hook):
    """Stop training where it breaks down, instead of saving weights that are NaN.

    Gradients are checked before every step of the optimizer: after the loss scaler of mixed precision has left its own
    steps out, and before a weight is changed. The weights are checked before a checkpoint is written. Losses are
    checked by the models (:func:`check_finite_losses`), which know their names.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._samples: Any = None
        self._handle: Any = None

    def before_train(self, runner: Runner) -> None:
        """Watch the optimizer."""
        optimizer = getattr(runner.optim_wrapper, 'optimizer', None)
        if optimizer is None or not hasattr(optimizer, 'register_step_pre_hook'):
            return
        named = {id(parameter): name for name, parameter in runner.model.named_parameters()}

        def check(optimizer: torch.optim.Optimizer, args: tuple, kwargs: dict) -> None:
            grads = {
                named.get(id(p), '?'): p.grad
                for group in optimizer.param_groups
                for p in group['params']
                if p.grad is not None
            }
            self._stop('gradient', non_finite_names(grads))

        self._handle = optimizer.register_step_pre_hook(check)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Remember the samples of the iteration."""
        self._samples = data_batch.get('data_samples') if isinstance(data_batch, Mapping) else None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the weights that would be saved.

        Raises:
            NonFiniteError: If a weight is not finite.
        """
        weights = {name: value for name, value in checkpoint['state_dict'].items() if isinstance(value, Tensor)}
        self._stop('weight', non_finite_names(weights))

    def after_train(self, runner: Runner) -> None:
        """Leave the optimizer alone."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    def _stop(self, kind: str, names: list[str]) -> None:
        if names:
            raise NonFiniteError(
                f'{kind} of {list_names(names, _SHOWN)} is NaN or infinite ({_where(self._samples)}). {_REMEDY}'
            )
