"""The configs of BEVFormer-Occ and TPVFormer-Occ: the small ones train and predict, alone and under RadOcc."""

from pathlib import Path

import pytest
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper

from projects.engine import read_config
from projects.occupancy.models.view_transforms.pillars import project_pillars

CONFIGS = Path(__file__).parents[2] / 'configs'
STUDENT = CONFIGS / 'bevformer_occ/bevformer-occ_lite0_1xb1-6e_minidrive.py'
MATRICES = ('cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat')
FAMILIES = ('bevformer', 'tpvformer')
PLAIN = ('{0}_occ/{0}-occ_lite0_1xb1-6e_minidrive.py', '{0}_occ/{0}-occ_r50_8xb1-24e_occ3d-nus.py')
TAUGHT = (
    'radocc/radocc_bevfusion-lite0_{0}-occ-lite0_1xb1-6e_minidrive.py',
    'radocc/radocc_bevfusion-r50_{0}-occ-r50_8xb1-24e_occ3d-nus.py',
)
PAIRS = [
    (CONFIGS / plain.format(family), CONFIGS / taught.format(family))
    for family in FAMILIES
    for plain, taught in zip(PLAIN, TAUGHT)
]


def read(path, root, **changes):
    """A config, for the tiny data set."""
    roots = {f'{name}_dataloader.dataset.data_root': str(root) for name in ('train', 'val', 'test')}
    return read_config(path, {**roots, **changes})


def batch_of(loader, *indices):
    dataset = DATASETS.build(loader.dataset)
    return pseudo_collate([dataset[index] for index in indices])


def changed(model, step):
    """Names of the first parts of the model whose weights a step changes."""
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    step()
    return {name.split('.')[0] for name, p in model.named_parameters() if not torch.equal(p, before[name])}


def test_lidar_points_of_an_augmented_sample_fall_on_the_pixels_of_its_depth_map(nuscenes_root):
    """The depth map is made in NumPy before the BEV is flipped; the two share no code."""
    cfg = read(STUDENT, nuscenes_root)
    loader = cfg.train_dataloader
    steps = [step for step in loader.dataset.pipeline if step['type'] != 'BEVAugment']
    steps[1].update(resize_lim=(0.1, 0.2), rot_lim=(-5.4, 5.4), flip=True)
    lidar = [{'type': kind} for kind in ('LoadLidarPoints', 'PointsToEgo', 'LiDARDepthMap')]
    steps[-1:-1] = [*lidar, {'type': 'BEVAugment', 'flip_x_prob': 1.0, 'flip_y_prob': 0.0}]
    loader.dataset.update(pipeline=steps, modality={'use_camera': True, 'use_lidar': True})
    batch = batch_of(loader, 1)
    inputs, (sample,) = {key: torch.stack(list(batch['inputs'][key])) for key in MATRICES}, batch['data_samples']
    assert inputs['bda_mat'][0, 0, 0] == -1
    height, width = sample.gt_depth.shape[1:]
    points = batch['inputs']['points'][0][:, None, :3]
    locations, seen = project_pillars(points, inputs, (height, width))
    found = 0
    for view, depth in enumerate(sample.gt_depth):
        pixels = (locations[0, view, seen[0, view, :, 0], 0] * torch.tensor([width, height])).floor().long()
        hit = torch.zeros(height, width, dtype=torch.bool)
        hit[pixels[:, 1], pixels[:, 0]] = True
        assert (hit & (depth > 0)).sum() >= 0.99 * (depth > 0).sum()
        found += int((depth > 0).sum())
    assert found > 100


@pytest.mark.parametrize('family', FAMILIES)
def test_the_small_student_trains_and_predicts(family, nuscenes_root):
    cfg = read(CONFIGS / PLAIN[0].format(family), nuscenes_root)
    model = MODELS.build(cfg.model).train()
    optimizer = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-3))
    batch = batch_of(cfg.train_dataloader, 2)
    losses = {}
    parts = changed(model, lambda: losses.update(model.train_step(batch, optimizer)))
    assert losses['loss_occ'] > 0
    assert losses['loss_lovasz'] > 0
    assert parts == {'img_backbone', 'img_neck', 'view_transform', 'occ_head'}
    found = model.eval().val_step(batch_of(cfg.val_dataloader, 0, 1))
    assert [sample.pred_occ.shape for sample in found] == [(200, 200, 16)] * 2


@pytest.mark.parametrize('family', FAMILIES)
def test_the_small_student_is_distilled_by_the_losses_of_radocc(family, nuscenes_root, tmp_path):
    distilled = CONFIGS / TAUGHT[0].format(family)
    teacher = Config.fromfile(distilled).model.teacher
    torch.save({'state_dict': MODELS.build(teacher).state_dict()}, tmp_path / 'teacher.pth')
    changes = {'model.teacher_ckpt': str(tmp_path / 'teacher.pth'), 'model.teacher_config': None}
    changes.update({f'model.{part}.img_backbone.init_cfg': None for part in ('student', 'teacher')})
    cfg = read(distilled, nuscenes_root, **changes)
    model = MODELS.build(cfg.model)
    model.init_weights()
    optimizer = OptimWrapper(torch.optim.Adam(model.student.parameters(), lr=1e-3))
    batch = batch_of(cfg.train_dataloader, 2)
    losses = {}
    parts = changed(model.student, lambda: losses.update(model.train().train_step(batch, optimizer)))
    assert all(losses[key] > 0 for key in ('loss_occ', 'loss_rdc', 'loss_rsc', 'loss_rsc_kl'))
    assert parts == {'img_backbone', 'img_neck', 'view_transform', 'occ_head'}
    (found,) = model.eval().val_step(batch_of(cfg.val_dataloader, 1))
    assert found.pred_occ.shape == (200, 200, 16)


@pytest.mark.parametrize(('plain', 'distilled'), PAIRS)
def test_the_distilled_student_is_the_plain_one_on_the_same_schedule(plain, distilled):
    student, distillation = Config.fromfile(plain), Config.fromfile(distilled)
    assert distillation.model.student == student.model
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'test_dataloader'):
        assert distillation[key] == student[key]


@pytest.mark.parametrize('family', FAMILIES)
def test_rays_and_losses_are_those_of_the_lift_splat_student(family):
    rival = Config.fromfile(CONFIGS / 'radocc/radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py').model
    model = Config.fromfile(CONFIGS / TAUGHT[0].format(family)).model
    assert {key for key in model if model[key] != rival[key]} == {'student'}
