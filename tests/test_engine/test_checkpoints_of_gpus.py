"""Checkpoints between a GPU and the CPU, without a GPU: what MMEngine would do with one is asked for by its name."""

from collections import OrderedDict

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import runner as mmengine_runner

from projects.engine import SafeRunner, load_checkpoint_safe


class Moved(torch.Tensor):
    """A tensor that is known to have been moved to the CPU: its numbers are 7 there."""

    def cpu(self):
        return torch.full(self.shape, 7.0)


class PutWeights(Hook):
    """Puts weights into a checkpoint that are elsewhere, as EMAHook does with those of the GPU."""

    def before_save_checkpoint(self, runner, checkpoint):
        weights = OrderedDict((name, value.as_subclass(Moved)) for name, value in checkpoint['state_dict'].items())
        checkpoint.update(state_dict=weights, ema_state_dict=weights.copy())


def config(toys, work_dir, **options):
    return Config({**toys.toy_config(work_dir, ema=False, **options)})


def test_a_run_goes_on_from_what_is_read_on_the_cpu(toys, tmp_path, monkeypatch):
    """MMEngine reads all of a checkpoint onto the GPU, where the history of the losses cannot be restored."""
    SafeRunner.from_cfg(config(toys, tmp_path, epochs=1)).train()
    cfg = config(toys, tmp_path, epochs=2)
    cfg.resume = True
    go_on = SafeRunner.load_or_resume

    def with_a_gpu(runner):
        with monkeypatch.context() as patch:
            patch.setattr(mmengine_runner, 'get_device', lambda: 'cuda')
            go_on(runner)

    monkeypatch.setattr(SafeRunner, 'load_or_resume', with_a_gpu)
    runner = SafeRunner.from_cfg(cfg)
    runner.train()
    assert runner.epoch == 2


@pytest.mark.parametrize('part', ['state_dict', 'ema_state_dict'])
def test_weights_of_a_checkpoint_are_on_the_cpu_whatever_a_hook_put_there(toys, tmp_path, part):
    runner = SafeRunner.from_cfg(config(toys, tmp_path, epochs=1))
    runner.register_hook(PutWeights())
    runner.train()
    weights = load_checkpoint_safe(tmp_path / 'epoch_1.pth')[part]
    assert weights
    assert all(bool((value == 7).all()) for value in weights.values())
