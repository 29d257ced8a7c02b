"""The configs of students with memory: small ones train and predict, alone and under RadOcc."""

from pathlib import Path

import pytest
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper

from projects.engine import read_config

CONFIGS = Path(__file__).parents[2] / 'configs'
SMALL = sorted(path.name for path in CONFIGS.glob('flashocc/flashocc_lite0-4d*.py'))
DISTILLED = sorted(path.name for path in CONFIGS.glob('radocc/radocc_*-4d*.py'))


def read(path, root, **changes):
    """A config of this folder, for the tiny data set."""
    roots = {f'{name}_dataloader.dataset.data_root': str(root) for name in ('train', 'val', 'test')}
    return read_config(path, {**roots, **changes})


def samples_of(loader, *indices):
    dataset = DATASETS.build(loader.dataset)
    return [dataset[index] for index in indices]


def changed(model, step):
    """Names of the first parts of the model whose weights a step changes."""
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    step()
    return {name.split('.')[0] for name, p in model.named_parameters() if not torch.equal(p, before[name])}


def test_there_are_small_ones_of_each_kind():
    assert len(SMALL) == 3
    assert len(DISTILLED) == 12


@pytest.mark.parametrize('name', SMALL)
def test_a_small_student_trains_and_predicts(name, nuscenes_root):
    cfg = read(CONFIGS / 'flashocc' / name, nuscenes_root)
    model = MODELS.build(cfg.model).train()
    optimizer = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-3))
    batch = pseudo_collate(samples_of(cfg.train_dataloader, 2))
    losses = {}
    parts = changed(model, lambda: losses.update(model.train_step(batch, optimizer)))
    assert all(losses[key] > 0 for key in ('loss_occ', 'loss_lovasz', 'loss_depth'))
    assert parts >= {'img_backbone', 'img_neck', 'view_transform', 'grid_backbone', 'occ_head'}
    model.eval()
    with torch.no_grad():
        found = [model.val_step(pseudo_collate([sample])) for sample in samples_of(cfg.val_dataloader, 0, 1)]
    assert [sample.pred_occ.shape for (sample,) in found] == [(200, 200, 16)] * 2
    assert len(model.memory) == 2


@pytest.mark.parametrize('name', [name for name in DISTILLED if 'lite0' in name])
def test_a_small_student_is_distilled_by_the_losses_of_radocc(name, nuscenes_root, tmp_path):
    teacher = Config.fromfile(CONFIGS / 'radocc' / name).model.teacher
    torch.save({'state_dict': MODELS.build(teacher).state_dict()}, tmp_path / 'teacher.pth')
    changes = {'model.teacher_ckpt': str(tmp_path / 'teacher.pth'), 'model.teacher_config': None}
    changes.update({f'model.{part}.img_backbone.init_cfg': None for part in ('student', 'teacher')})
    cfg = read(CONFIGS / 'radocc' / name, nuscenes_root, **changes)
    model = MODELS.build(cfg.model)
    model.init_weights()
    optimizer = OptimWrapper(torch.optim.Adam(model.student.parameters(), lr=1e-3))
    batch = pseudo_collate(samples_of(cfg.train_dataloader, 2))
    losses = {}
    parts = changed(model.student, lambda: losses.update(model.train().train_step(batch, optimizer)))
    assert all(losses[key] > 0 for key in ('loss_occ', 'loss_rdc', 'loss_rsc', 'loss_rsc_kl'))
    assert parts >= {'img_backbone', 'view_transform', 'grid_backbone', 'occ_head'}
    (found,) = model.eval().val_step(pseudo_collate(samples_of(cfg.val_dataloader, 1)))
    assert found.pred_occ.shape == (200, 200, 16)


@pytest.mark.parametrize('name', DISTILLED)
def test_the_distilled_student_is_the_plain_one_and_reads_as_long_a_history(name):
    student, rest = name.removeprefix('radocc_').split('_')[1:][0], name.split('_', 3)[3]
    method, parts = student.replace('bevdet-occ-', 'bevdet-occ_').replace('flashocc-', 'flashocc_').split('_')
    plain = Config.fromfile(CONFIGS / method.replace('-', '_') / f'{method}_{parts}_{rest}')
    distilled = Config.fromfile(CONFIGS / 'radocc' / name)
    assert distilled.model.student.to_dict() == plain.model.to_dict()
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        assert distilled[loader].dataset.history == plain[loader].dataset.history
    references = 1 if 'Stereo' in plain.model.type else 0
    assert plain.train_dataloader.dataset.history == plain.model.num_history + references
    assert distilled.val_dataloader.dataset.pipeline == plain.val_dataloader.dataset.pipeline
