"""The configs of RenderOcc: the small ones train and predict, by rays alone and beside voxel labels."""

import pickle
from pathlib import Path

import pytest
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper
from small_configs import BEV, RESNET, batch_of, read_small

from projects.engine import read_config

CONFIGS = Path(__file__).parents[2] / 'configs'
ALONE = CONFIGS / 'renderocc/renderocc_flashocc-lite0_1xb1-6e_minidrive.py'
VOXELS = CONFIGS / 'renderocc/renderocc-voxels_flashocc-lite0_1xb1-6e_minidrive.py'
BESIDE = CONFIGS / 'renderocc/renderocc-neighbours_flashocc-lite0_1xb1-6e_minidrive.py'
STUDENT = CONFIGS / 'flashocc/flashocc_lite0_1xb1-6e_minidrive.py'
FULL = CONFIGS / 'renderocc/renderocc_flashocc-r50_8xb4-24e_occ3d-nus.py'
FULL_BESIDE = CONFIGS / 'renderocc/renderocc-neighbours_flashocc-r50_8xb4-24e_occ3d-nus.py'
RAYS, HEAD, DEPTH = {'loss_ray_end', 'loss_ray_class'}, {'loss_occ', 'loss_lovasz'}, {'loss_depth'}


def hide_labels(root):
    """Take the voxel labels of the training frames away."""
    for item in pickle.loads((root / 'occ3d-nus_infos_train.pkl').read_bytes())['data_list']:
        (root / item['occ_path']).unlink()


@pytest.mark.parametrize(
    ('path', 'expected'), [(ALONE, RAYS | DEPTH), (VOXELS, RAYS | DEPTH | HEAD), (BESIDE, RAYS | DEPTH)]
)
def test_the_small_student_trains_and_predicts(lidarseg_root, path, expected):
    roots = {f'{name}_dataloader.dataset.data_root': str(lidarseg_root) for name in ('train', 'val', 'test')}
    cfg = read_config(path, {**roots, 'model.img_backbone.init_cfg': None})
    if path != VOXELS:
        hide_labels(lidarseg_root)
    model = MODELS.build(cfg.model).train()
    batch = pseudo_collate([DATASETS.build(cfg.train_dataloader.dataset)[1]])
    (sample,) = batch['data_samples']
    assert sample.lidar_rays.shape == (len(sample.lidar_ray_classes), 7)
    assert set(sample.lidar_ray_classes.tolist()) == {4, 11}
    if path == BESIDE:
        assert set(sample.lidar_ray_classes[-100:].tolist()) == {11}  # cars give no rays
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    losses = model.train_step(batch, OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-3)))
    assert {name for name, value in losses.items() if name != 'loss' and value > 0} == expected
    changed = {name.split('.')[0] for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {'img_backbone', 'img_neck', 'view_transform', 'grid_backbone', 'grid_neck', 'occ_head'}
    batch = pseudo_collate([DATASETS.build(cfg.val_dataloader.dataset)[0]])
    (found,) = model.eval().val_step(batch)
    assert found.pred_occ.shape == (200, 200, 16)


@pytest.mark.parametrize('path', [ALONE, VOXELS, BESIDE])
def test_the_student_is_the_plain_one_on_the_same_schedule(path):
    plain, ours = Config.fromfile(STUDENT), Config.fromfile(path)
    assert {key for key in ours.model if ours.model[key] != plain.model.get(key)} == {'ray_supervision'}
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'test_dataloader'):
        assert ours[key] == plain[key]


@pytest.mark.parametrize('path', [FULL, FULL_BESIDE])
def test_the_full_size_student_is_flashocc(path):
    plain = Config.fromfile(CONFIGS / 'flashocc/flashocc_r50_8xb4-24e_occ3d-nus.py')
    ours = Config.fromfile(path)
    assert {key for key in ours.model if ours.model[key] != plain.model.get(key)} == {'ray_supervision'}
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'test_dataloader', 'custom_hooks'):
        assert ours[key] == plain[key]


@pytest.mark.parametrize('path', [FULL, FULL_BESIDE])
def test_the_full_size_student_made_small_trains_by_rays_alone_and_predicts(path, lidarseg_root):
    hide_labels(lidarseg_root)
    small = {**RESNET, **BEV, 'grid_backbone': {'in_channels': 4, 'channels': [4, 8, 8]}}
    cfg = read_small(path, lidarseg_root, model=small)
    model = MODELS.build(cfg.model).train()
    optimizer = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-3))
    losses = model.train_step(batch_of(cfg.train_dataloader, 1), optimizer)
    assert {name for name, value in losses.items() if value > 0} == {'loss', *RAYS}
    (found,) = model.eval().val_step(batch_of(cfg.val_dataloader, 0))
    assert found.pred_occ.shape == (200, 200, 16)


@pytest.mark.parametrize(('beside', 'alone'), [(BESIDE, ALONE), (FULL_BESIDE, FULL)])
def test_neighbours_have_three_tenths_of_the_rays_of_the_sample(beside, alone):
    pipelines = [Config.fromfile(path).train_dataloader.dataset.pipeline for path in (beside, alone)]
    (added,) = [step for step in pipelines[0] if step not in pipelines[1]]
    (own,) = [step for step in pipelines[0] if step.type == 'DrawLidarRays']
    assert added.num_rays == round(0.3 * own.num_rays)
    assert pipelines[0].index(added) == pipelines[0].index(own) + 1
    assert Config.fromfile(beside).train_dataloader.dataset.neighbours == 1
