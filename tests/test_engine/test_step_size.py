"""Learning rates and schedules of runs whose steps or epochs have another size than those they are made for."""

import json

import pytest
import torch
from mmengine.config import Config

from projects.engine import SafeRunner, load_checkpoint_safe
from projects.engine.step_size import other_step_size, schedulers_at, step_samples, with_scaled_floor

LINEAR = {'type': 'PolyLR', 'power': 1.0, 'eta_min': 0.0, 'begin': 0, 'end': 4, 'convert_to_iter_based': True}


def _written(work_dir, pattern):
    """Lines of all runs there, in order; two runs of one second share a folder."""
    return [line for path in sorted(work_dir.glob(pattern)) for line in path.read_text().splitlines()]


def train(toys, work_dir, batch=3, accumulate=1, **options):
    """Train toy models on 12 samples; returns the log and the learning rate of every iteration."""
    cfg = Config(toys.toy_config(work_dir, ema=False, accumulate=accumulate, **options))
    cfg.train_dataloader.batch_size = batch
    patterns = ('*/*.log', '*/vis_data/scalars.json')
    before = [len(_written(work_dir, pattern)) for pattern in patterns]
    SafeRunner.from_cfg(cfg).train()
    log, rows = (_written(work_dir, pattern)[count:] for pattern, count in zip(patterns, before))
    return '\n'.join(log), [row['lr'] for row in map(json.loads, rows) if 'loss_toy' in row]


@pytest.mark.parametrize(
    ('batch', 'rates'),
    [
        # An uninterrupted run has the rates 0.01 (15 - k) / 15 in iterations 0 .. 15. Two epochs are 8 of them.
        (3, [0.01 * (15 - k) / 15 for k in range(8, 16)]),
        (6, [0.01 * 7 / 15 * (3 - k) / 3 for k in range(4)]),
        (2, [0.01 * 7 / 15 * (11 - k) / 11 for k in range(12)]),
    ],
)
def test_a_schedule_in_epochs_ends_with_the_training_on_another_number_of_processes(toys, tmp_path, batch, rates):
    """As many processes more or fewer as the batch is larger or smaller here: an epoch has 4, 2 or 6 iterations."""
    train(toys, tmp_path, stop_after=2, param_scheduler=[LINEAR])
    log, resumed = train(toys, tmp_path, batch, resume=True, param_scheduler=[LINEAR])
    assert resumed == pytest.approx(rates, abs=1e-9)
    assert load_checkpoint_safe(tmp_path / 'epoch_4.pth')['meta']['iter'] == 4 * 12 // batch
    moved = f'written at iteration 8; here epoch 3 begins at iteration {2 * 12 // batch}'
    assert (moved in log) == (batch != 3)


def test_warmup_in_iterations_keeps_its_length_in_epochs_of_another_length(toys, tmp_path):
    warmup = {'type': 'LinearLR', 'start_factor': 0.1, 'by_epoch': False, 'begin': 0, 'end': 10}
    _, first = train(toys, tmp_path, stop_after=1, param_scheduler=[warmup])
    _, resumed = train(toys, tmp_path, 2, resume=True, param_scheduler=[warmup])
    assert [*first, *resumed[:6]] == pytest.approx([0.001 * (1 + k) for k in range(10)], abs=1e-9)


def test_a_checkpoint_from_the_middle_of_an_epoch_trains_that_epoch_anew(toys, tmp_path):
    options = {'epochs': 2, 'param_scheduler': [{**LINEAR, 'end': 2}]}
    cfg = Config(toys.toy_config(tmp_path, ema=False, stop_after=2, **options))
    cfg.default_hooks.checkpoint.update(by_epoch=False, interval=6, save_best=None)
    SafeRunner.from_cfg(cfg).train()
    assert load_checkpoint_safe(tmp_path / 'iter_6.pth')['meta']['epoch'] == 1
    (tmp_path / 'iter_8.pth').unlink(missing_ok=True)
    log, rates = train(toys, tmp_path, resume=True, load_from=str(tmp_path / 'iter_6.pth'), **options)
    assert 'written at iteration 6; here epoch 2 begins at iteration 4' in log
    assert len(rates) == 4
    assert rates[-1] == pytest.approx(0)


def test_resume_says_how_many_samples_a_step_had_and_how_to_keep_them(toys, tmp_path):
    train(toys, tmp_path, 6, epochs=1)
    log, _ = train(toys, tmp_path, 3, epochs=2, resume=True)
    assert 'A step has 3 samples and had 6, at the learning rate of the checkpoint' in log
    assert 'optim_wrapper.accumulative_counts=2 keeps 6.' in log
    log, _ = train(toys, tmp_path, 3, 2, epochs=3, resume=True)
    assert 'A step has 6 samples and had 3' in log
    assert 'keeps 3' in log


def test_resume_names_another_number_of_processes(toys, tmp_path):
    train(toys, tmp_path, epochs=1)
    path = tmp_path / 'epoch_1.pth'
    checkpoint = torch.load(path, weights_only=True)
    assert checkpoint['meta']['config_values']['processes'] == 1
    checkpoint['meta']['config_values']['processes'] = 8
    torch.save(checkpoint, path)
    log, _ = train(toys, tmp_path, epochs=2, resume=True)
    assert 'processes: 8 -> 1' in log
    assert 'A step has 3 samples and had 24' in log
    assert 'optim_wrapper.accumulative_counts=8 keeps 24.' in log


@pytest.mark.parametrize(
    ('batch', 'accumulate', 'rate', 'floor'),
    [(3, 1, 0.0025, 0.00025), (3, 2, 0.005, 0.0005), (3, 4, 0.01, 0.001), (6, 4, 0.02, 0.002)],
)
def test_scaling_counts_accumulated_batches_and_scales_the_lowest_rate(toys, tmp_path, batch, accumulate, rate, floor):
    """The rate 0.01 with a lowest one of 0.001 is made for steps of 12 samples."""
    schedule = [{**LINEAR, 'eta_min': 0.001, 'end': 1}]
    scale = {'enable': True, 'base_batch_size': 12}
    _, rates = train(toys, tmp_path, batch, accumulate, epochs=1, param_scheduler=schedule, auto_scale_lr=scale)
    assert rates[0] == pytest.approx(rate)
    assert rates[-1] == pytest.approx(floor)


def test_a_step_of_another_size_is_told_with_what_to_do(toys, tmp_path):
    scale = {'enable': False, 'base_batch_size': 12}
    log, rates = train(toys, tmp_path / 'small', epochs=1, param_scheduler=None, auto_scale_lr=scale)
    assert 'a step has 3 samples (1 processes x batch 3 x 1 accumulated), but the learning rate is made for 12' in log
    assert 'set optim_wrapper.accumulative_counts=4 to keep them, or give --auto-scale-lr' in log
    assert rates[0] == 0.01
    log, _ = train(toys, tmp_path / 'right', 3, 4, epochs=1, param_scheduler=None, auto_scale_lr=scale)
    assert 'a step has' not in log


def test_counts_that_cannot_keep_the_samples_are_not_proposed():
    assert other_step_size(8, 4, 1, 32) is None
    assert 'accumulative_counts=8 ' in other_step_size(1, 4, 1, 32)
    assert 'accumulative_counts' not in other_step_size(3, 4, 1, 32)
    assert 'accumulative_counts' not in other_step_size(16, 4, 1, 32)


def test_samples_of_a_step_are_unknown_without_processes_or_batch():
    values = {'processes': 2, 'train_dataloader.batch_size': 4}
    assert step_samples(values) == 8
    assert step_samples({**values, 'optim_wrapper.accumulative_counts': 3}) == 24
    assert step_samples({**values, 'processes': None}) is None


def test_only_rates_have_a_floor_that_is_scaled():
    rate, momentum = {'type': 'PolyLR', 'eta_min': 4.0}, {'type': 'PolyMomentum', 'eta_min': 4.0}
    assert with_scaled_floor([rate, momentum], 0.5) == [{'type': 'PolyLR', 'eta_min': 2.0}, momentum]
    assert with_scaled_floor({'a': rate}, 0.5) == {'a': {'type': 'PolyLR', 'eta_min': 2.0}}
    assert with_scaled_floor(None, 0.5) is None
    assert rate['eta_min'] == 4.0


def test_states_by_optimizer_are_left_as_they_are():
    assert schedulers_at({'a': []}, {'a': []}, [LINEAR], 5) == {'a': []}


def test_training_beside_checkpoints_of_a_former_one_is_told(toys, tmp_path):
    log, _ = train(toys, tmp_path, epochs=1)
    assert 'former training' not in log
    log, _ = train(toys, tmp_path, epochs=1)
    assert f'{tmp_path} holds checkpoints of a former training (epoch_1.pth)' in log
    log, _ = train(toys, tmp_path, epochs=2, resume=True)
    assert 'former training' not in log
