"""The configs of the sparse task: student, teacher and RadOcc, small and full size, train and predict."""

from pathlib import Path

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from small_configs import BEV, FUSION, RESNET, batch_of, read_small

from projects.engine import read_config

FOLDER = Path(__file__).parents[2] / 'configs/sparse_occ'
SIZES = {'lite0': '1xb1-6e_minidrive.py', 'r50': '8xb4-24e_nus-lidarseg.py'}
GRID = (256, 256, 20)
STUDENT = {**RESNET, **BEV, 'grid_backbone': {'in_channels': 4, 'channels': [4, 8, 8]}}
sizes = pytest.mark.parametrize('size', SIZES)


def path_of(kind, size):
    """Config of a kind: student, teacher or radocc."""
    names = {'student': 'sparse-occ_flashocc-X', 'teacher': 'sparse-occ_bevfusion-X'}
    name = names.get(kind, 'sparse-occ-radocc_bevfusion-X_flashocc-X')
    return FOLDER / f'{name.replace("X", size)}_{SIZES[size]}'


def read(kind, size, root):
    """A config for the tiny data set; those of full size are made small."""
    path = path_of(kind, size)
    if size == 'r50':
        models = {'student': {'model': STUDENT}, 'teacher': {'model': FUSION}}
        return read_small(path, root, **models.get(kind, {'model.student': STUDENT, 'model.teacher': FUSION}))
    places = ('model.student', 'model.teacher') if kind == 'radocc' else ('model',)
    roots = {f'{name}_dataloader.dataset.data_root': str(root) for name in ('train', 'val', 'test')}
    return read_config(path, {**roots, **{f'{place}.img_backbone.init_cfg': None for place in places}})


def check_step_and_prediction(model, trained, cfg, expected):
    """Take a training step, whose losses are the expected ones and change all parts, and predict."""
    before = {name: p.detach().clone() for name, p in trained.named_parameters()}
    optimizer = OptimWrapper(torch.optim.Adam(trained.parameters(), lr=1e-3))
    batch = batch_of(cfg.train_dataloader, 1)
    (sample,) = batch['data_samples']
    assert sample.gt_occ.shape == GRID
    assert {4, 11, 17, 255} >= set(sample.gt_occ.unique().tolist()) >= {4, 11, 17}
    losses = model.train().train_step(batch, optimizer)
    assert {name for name, value in losses.items() if name != 'loss' and value > 0} == expected
    changed = {name.split('.')[0] for name, p in trained.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {name for name, _ in trained.named_children() if name != 'data_preprocessor'}
    (found,) = model.eval().val_step(batch_of(cfg.val_dataloader, 0))
    assert found.pred_occ.shape == GRID


@sizes
def test_the_teacher_trains_and_predicts(size, lidarseg_root):
    cfg = read('teacher', size, lidarseg_root)
    model = MODELS.build(cfg.model)
    check_step_and_prediction(model, model, cfg, {'loss_occ', 'loss_lovasz', 'loss_depth'})


@sizes
def test_the_student_trains_under_the_teacher_and_predicts(size, lidarseg_root, tmp_path):
    cfg = read('radocc', size, lidarseg_root)
    torch.save({'state_dict': MODELS.build(cfg.model.teacher).state_dict()}, tmp_path / 'teacher.pth')
    cfg.model.update(teacher_ckpt=str(tmp_path / 'teacher.pth'), teacher_config=None)
    model = MODELS.build(cfg.model)
    model.init_weights()
    depth = {'loss_depth'} if size == 'lite0' else set()
    expected = {'loss_occ', 'loss_lovasz', 'loss_rdc', 'loss_rsc', 'loss_rsc_kl'} | depth
    check_step_and_prediction(model, model.student, cfg, expected)


@sizes
def test_student_and_teacher_of_the_distillation_are_those_trained_alone(size):
    student, teacher, both = (Config.fromfile(path_of(kind, size)) for kind in ('student', 'teacher', 'radocc'))
    assert both.model.student == student.model
    assert both.model.teacher == teacher.model
    assert Path(both.model.teacher_config) == path_of('teacher', size).relative_to(FOLDER.parents[1])
    assert Path(both.model.teacher_ckpt).parent.name == path_of('teacher', size).stem
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'test_dataloader', 'test_evaluator'):
        assert both[key] == student[key]


@sizes
def test_rays_reach_behind_the_farthest_corner_in_bins_of_the_dense_task(size):
    """51.2 m along x and y are 72.4 m."""
    schedule = SIZES[size].replace('nus-lidarseg', 'occ3d-nus')
    dense = Config.fromfile(FOLDER.parent / f'radocc/radocc_bevfusion-{size}_flashocc-{size}_{schedule}').model
    model = Config.fromfile(path_of('radocc', size)).model
    ours, theirs = model.shared.rays.geometry, dense.shared.rays.geometry
    assert ours.step == theirs.step
    assert ours.t_range[1] / theirs.t_range[1] == pytest.approx(51.2 / 40, rel=0.005)
    assert model.losses == dense.losses
    assert model.connectors == dense.connectors
