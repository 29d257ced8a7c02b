"""Training stops at the first loss, gradient or weight that is NaN or infinite, and saves nothing of it."""

import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config

from projects.engine import NonFiniteError, SafeRunner, check_finite_losses, load_checkpoint_safe
from projects.engine.finite import non_finite_names, sample_names


def run(toys, work_dir, **changes):
    cfg = toys.toy_config(work_dir, epochs=3)
    cfg['default_hooks']['finite'] = {'type': 'FiniteTrainingHook'}
    cfg['optim_wrapper'].update(changes)
    SafeRunner.from_cfg(Config(cfg)).train()


@pytest.mark.parametrize('clip_grad', [None, {'max_norm': 1.0}])
def test_a_rate_that_blows_up_stops_before_a_checkpoint_is_written(toys, tmp_path, clip_grad):
    sgd = {'type': 'SGD', 'lr': 1e30}
    with pytest.raises(NonFiniteError, match=r'is NaN or infinite \(epoch 1, iteration [234], process 0') as error:
        run(toys, tmp_path, optimizer=sgd, clip_grad=clip_grad)
    assert 'lr' in str(error.value)
    assert not list(tmp_path.glob('*.pth'))


def test_a_gradient_that_is_nan_changes_no_weight(toys, tmp_path):
    cfg = toys.toy_config(tmp_path, epochs=1)
    cfg['default_hooks']['finite'] = {'type': 'FiniteTrainingHook'}
    cfg['optim_wrapper']['clip_grad'] = None
    runner = SafeRunner.from_cfg(Config(cfg))
    weights = runner.model.head.weight
    weights.register_hook(lambda grad: torch.full_like(grad, math.nan))
    with pytest.raises(NonFiniteError, match=r'gradient of head\.weight is NaN'):
        runner.train()
    assert torch.isfinite(weights).all()


def test_weights_that_are_nan_are_not_saved_over_a_good_checkpoint(toys, tmp_path):
    cfg = toys.toy_config(tmp_path, epochs=1)
    cfg['default_hooks']['finite'] = {'type': 'FiniteTrainingHook'}
    runner = SafeRunner.from_cfg(Config(cfg))
    runner.train()
    before = (tmp_path / 'epoch_1.pth').read_bytes()
    with torch.no_grad():
        runner.model.head.weight[0] = math.inf
    with pytest.raises(NonFiniteError, match=r'weight of head\.weight'):
        runner.save_checkpoint(str(tmp_path), 'epoch_1.pth')
    assert (tmp_path / 'epoch_1.pth').read_bytes() == before
    assert torch.isfinite(load_checkpoint_safe(tmp_path / 'epoch_1.pth')['state_dict']['head.weight']).all()


def test_a_loss_is_named_with_the_samples_of_its_batch():
    samples = [SimpleNamespace(metainfo={'token': 'a'}), SimpleNamespace(metainfo={'frame_id': 'drive/3'})]
    good = {'loss_occ': torch.tensor(1.0), 'acc': torch.tensor(math.nan), 'loss_list': [torch.ones(2), torch.ones(1)]}
    check_finite_losses(good, samples)
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(NonFiniteError, match=r'loss_rdc = .*samples a, drive/3'):
            check_finite_losses({**good, 'loss_rdc': torch.tensor(value)}, samples)
    with pytest.raises(NonFiniteError, match='loss_list = nan'):
        check_finite_losses({'loss_list': [torch.ones(2), torch.tensor([math.nan])]}, None)
    check_finite_losses({'loss_a': torch.tensor(3e38), 'loss_b': torch.tensor(3e38)}, samples)  # their sum overflows


def test_large_but_finite_values_pass():
    values = {'big': torch.full((4,), 3e38), 'index': torch.tensor([1]), 'empty': torch.zeros(0)}
    assert non_finite_names(values) == []
    assert non_finite_names({**values, 'bad': torch.tensor([0.0, -math.inf])}) == ['bad']


def test_samples_without_a_name_are_question_marks():
    assert sample_names([SimpleNamespace(metainfo={}), object()]) == ['?', '?']
    assert sample_names(None) == []
