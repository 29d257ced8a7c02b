"""ResNet-50 students without the camera mask and with a depth loss: what differs, and that small ones train with it."""

from pathlib import Path

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from small_configs import BEV, RESNET, VOXEL, batch_of, read_small

CONFIGS = Path(__file__).parents[2] / 'configs'
SCHEDULE = '8xb4-24e_occ3d-nus.py'
PLAIN = {
    CONFIGS / f'flashocc/flashocc_r50_{SCHEDULE}': {**BEV, 'grid_backbone': {'in_channels': 4, 'channels': [4, 8, 8]}},
    CONFIGS / f'bevdet_occ/bevdet-occ_r50_{SCHEDULE}': {
        **VOXEL,
        'grid_backbone': {'in_channels': 4, 'channels': [4, 4, 4]},
    },
}
CASES = [(path, variant) for path in PLAIN for variant in ('no-mask', 'depth', 'depth-no-mask')]
cases = pytest.mark.parametrize(('path', 'variant'), CASES, ids=lambda value: getattr(value, 'stem', value))


def variant_of(path, variant):
    return path.with_name(path.name.replace('_8xb4', f'-{variant}_8xb4'))


@cases
def test_a_variant_differs_from_the_plain_student_in_its_supervision_alone(path, variant):
    plain, ours = Config.fromfile(path), Config.fromfile(variant_of(path, variant))
    expected = plain.model.to_dict()
    if 'no-mask' in variant:
        expected['occ_head']['mask'] = None
    if 'depth' in variant:
        expected['view_transform']['loss_depth'] = {'type': 'LiDARDepthLoss', 'loss_weight': 0.05}
    assert ours.model.to_dict() == expected
    lidar = [step for step in ours.train_dataloader.dataset.pipeline if 'lidar' in step.type.lower()]
    assert [step.type for step in lidar] == (['LoadLidarPoints', 'LiDARDepthMap'] if 'depth' in variant else [])
    assert ours.train_dataloader.dataset.modality.use_lidar == ('depth' in variant)
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'test_dataloader', 'val_evaluator', 'custom_hooks'):
        assert ours[key] == plain[key]


@cases
def test_a_small_one_trains_on_the_voxels_of_its_mask_and_predicts(path, variant, nuscenes_root):
    """Logits of voxels that no camera sees have a gradient without the mask, and none with it."""
    cfg = read_small(variant_of(path, variant), nuscenes_root, model={**RESNET, **PLAIN[path]})
    model = MODELS.build(cfg.model).train()
    batch = batch_of(cfg.train_dataloader, 1)
    optimizer = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-3))
    losses = model.train_step(batch, optimizer)
    assert set(losses) == {'loss', 'loss_occ', *(['loss_depth'] if 'depth' in variant else [])}
    assert all(value > 0 for value in losses.values())
    samples = batch['data_samples']
    logits = torch.randn(1, 200, 200, 16, 18, requires_grad=True)
    model.occ_head.loss(logits, samples)['loss_occ'].backward()
    unseen = ~samples[0].mask_camera.bool()
    assert unseen.any()
    assert bool(logits.grad[0][unseen].any()) == ('no-mask' in variant)
    (found,) = model.eval().val_step(batch_of(cfg.val_dataloader, 1))
    assert found.pred_occ.shape == (200, 200, 16)
