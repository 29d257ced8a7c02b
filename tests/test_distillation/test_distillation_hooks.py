"""Warm-up, the record of the teacher, EMA and resume of a whole distillation run."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config

from projects.distillation import DistillWarmupHook
from projects.engine import SafeRunner, load_checkpoint_safe, save_checkpoint_atomic


def write_teacher(toys, path, seed):
    torch.manual_seed(seed)
    save_checkpoint_atomic({'meta': {}, 'state_dict': toys.ToyNet(channels=6).state_dict()}, path)


def distill(toys, work_dir, teacher, **options):
    cfg = toys.toy_config(work_dir, model=toys.distiller_config(teacher), **options)
    cfg['default_scope'] = 'mmdet3d'
    cfg['default_hooks']['teacher_record'] = {'type': 'TeacherRecordHook'}
    cfg['custom_hooks'].append({'type': 'DistillWarmupHook', 'warmup_iters': 6})
    runner = SafeRunner.from_cfg(Config(cfg))
    runner.train()
    return runner


@pytest.fixture
def teacher(toys, tmp_path):
    write_teacher(toys, tmp_path / 'teacher.pth', seed=1)
    return tmp_path / 'teacher.pth'


def test_resumed_distillation_ends_at_the_same_bits_and_stores_no_teacher(toys, tmp_path, teacher):
    distill(toys, tmp_path / 'whole', teacher, epochs=3)
    distill(toys, tmp_path / 'part', teacher, epochs=3, stop_after=2)
    runner = distill(toys, tmp_path / 'part', teacher, epochs=3, resume=True)
    first, second = (load_checkpoint_safe(tmp_path / name / 'epoch_3.pth') for name in ('whole', 'part'))
    for key in ('state_dict', 'ema_state_dict'):
        assert not [name for name in first[key] if 'teacher' in name]
        assert all(torch.equal(value, second[key][name]) for name, value in first[key].items())
    log = max((tmp_path / 'part').glob('*/*.log')).read_text()
    assert 'do not match exactly' not in log
    assert 'loss_match' in log
    assert 'loss_toy' in log
    original = load_checkpoint_safe(teacher)['state_dict']
    assert all(torch.equal(v, original[k]) for k, v in runner.model.teacher.model.state_dict().items())


def test_teacher_is_recorded_and_another_one_stops_the_resume(toys, tmp_path, teacher):
    distill(toys, tmp_path / 'run', teacher, epochs=1)
    record = load_checkpoint_safe(tmp_path / 'run/epoch_1.pth')['meta']['teacher']
    assert record['path'] == str(teacher)
    assert len(record['sha256']) == 64
    write_teacher(toys, teacher, seed=2)
    with pytest.raises(ValueError, match='this run began with teacher'):
        distill(toys, tmp_path / 'run', teacher, epochs=2, resume=True)


def test_warmup_is_linear_in_the_iteration(toys, tmp_path, teacher):
    from mmdet3d.registry import MODELS

    model = MODELS.build(toys.distiller_config(teacher))
    hook = DistillWarmupHook(warmup_iters=4)
    scales = []
    for i in (0, 1, 2, 4, 9):
        hook.before_train_iter(SimpleNamespace(model=model, iter=i), 0)
        scales.append(model.loss_scales['loss_match'])
    assert scales == [0.0, 0.25, 0.5, 1.0, 1.0]
    DistillWarmupHook(0).before_train_iter(SimpleNamespace(model=model, iter=0), 0)
    assert model.loss_scales['loss_match'] == 1.0


def test_warmup_needs_a_distiller(toys):
    with pytest.raises(TypeError, match='needs a Distiller'):
        DistillWarmupHook(1).before_train(SimpleNamespace(model=toys.ToyNet()))
    with pytest.raises(ValueError, match='negative'):
        DistillWarmupHook(-1)
