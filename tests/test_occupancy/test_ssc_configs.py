"""The configs with the larger head: what differs, and that small ones train and predict, alone and under RadOcc."""

from pathlib import Path

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from small_configs import FUSION, RESNET, SSC_HEAD, VOXEL, batch_of, read_small

from projects.engine import read_config

CONFIGS = Path(__file__).parents[2] / 'configs'
MINI = CONFIGS / 'bevdet_occ/bevdet-occ_mini-ssc_1xb1-7e_minidrive.py'
R50 = CONFIGS / 'bevdet_occ/bevdet-occ_r50-ssc_8xb4-24e_occ3d-nus.py'
DISTILLED = CONFIGS / 'radocc/radocc_bevfusion-r50_bevdet-occ-r50-ssc_8xb4-24e_occ3d-nus.py'
ALL = sorted(CONFIGS.glob('*/*-ssc_*.py'))
RUN = ('train_dataloader', 'val_dataloader', 'test_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg')
SMALL = {**RESNET, **VOXEL, **SSC_HEAD, 'grid_backbone': {'in_channels': 4, 'channels': [4, 4, 4]}}


@pytest.mark.parametrize('path', ALL, ids=lambda path: path.stem)
def test_a_config_differs_from_that_without_the_head_in_head_and_lovasz_loss_alone(path):
    plain, ours = (Config.fromfile(each).to_dict() for each in (path.with_name(path.name.replace('-ssc', '')), path))
    student = plain['model'].get('student', plain['model'])
    head = {'type': 'SSCOccHead', 'loss_lovasz': {'type': 'OccLovaszLoss', 'loss_weight': 1.0}}
    student['occ_head'].update(head, **({'block_channels': 16} if path == MINI else {}))
    # Names that configs offer to their children are no part of what runs.
    assert {key: ours[key] for key in ('model', *RUN)} == {key: plain[key] for key in ('model', *RUN)}


def test_there_are_students_of_each_size_and_their_distillations():
    assert len(ALL) == 5


@pytest.mark.parametrize('path', [MINI, R50], ids=lambda path: path.stem)
def test_a_small_student_trains_all_its_parts_and_predicts(path, nuscenes_root):
    roots = {f'{name}_dataloader.dataset.data_root': str(nuscenes_root) for name in ('train', 'val', 'test')}
    cfg = read_small(path, nuscenes_root, model=SMALL) if path == R50 else read_config(path, roots)
    model = MODELS.build(cfg.model).train()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-3))
    losses = model.train_step(batch_of(cfg.train_dataloader, 1), optimizer)
    assert losses['loss_occ'] > 0
    assert losses['loss_lovasz'] > 0
    changed = {name.split('.')[0] for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {'img_backbone', 'img_neck', 'view_transform', 'grid_backbone', 'grid_neck', 'occ_head'}
    (found,) = model.eval().val_step(batch_of(cfg.val_dataloader, 1))
    assert found.pred_occ.shape == (200, 200, 16)


def test_a_small_one_is_distilled_by_the_losses_of_radocc(nuscenes_root, tmp_path):
    cfg = read_small(DISTILLED, nuscenes_root, **{'model.student': SMALL, 'model.teacher': FUSION})
    torch.save({'state_dict': MODELS.build(cfg.model.teacher).state_dict()}, tmp_path / 'teacher.pth')
    cfg.model.update(teacher_ckpt=str(tmp_path / 'teacher.pth'), teacher_config=None)
    model = MODELS.build(cfg.model)
    model.init_weights()
    optimizer = OptimWrapper(torch.optim.Adam(model.student.parameters(), lr=1e-3))
    losses = model.train().train_step(batch_of(cfg.train_dataloader, 2), optimizer)
    assert all(losses[key] > 0 for key in ('loss_occ', 'loss_lovasz', 'loss_rdc', 'loss_rsc', 'loss_rsc_kl'))
    (found,) = model.eval().val_step(batch_of(cfg.val_dataloader, 1))
    assert found.pred_occ.shape == (200, 200, 16)
