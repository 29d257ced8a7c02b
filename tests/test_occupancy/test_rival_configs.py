"""RadOcc with the settings that were measured, and EFFOcc's recipe, at full size: small ones take a step."""

from pathlib import Path

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from small_configs import BEV, FUSION, RESNET, batch_of, read_small

CONFIGS = Path(__file__).parents[2] / 'configs/radocc'
SMALL = {**RESNET, **BEV, 'grid_backbone': {'in_channels': 4, 'channels': [4, 8, 8]}}
RAYS = {'loss_rdc', 'loss_rsc', 'loss_rsc_kl'}
GROUPS = {'loss_bev', 'loss_cosine'}
LOSSES = {
    'radocc-log-odds_bevfusion-r50_flashocc-r50': RAYS,
    'radocc_bevfusion-r50_flashocc-r50-m1': RAYS,
    'effocc_bevfusion-r50_flashocc-r50-m1': GROUPS,
    'radocc-effocc_bevfusion-r50_flashocc-r50-m1': RAYS | GROUPS,
}


def path_of(name):
    return CONFIGS / f'{name}_8xb4-24e_occ3d-nus.py'


@pytest.mark.parametrize(
    'name', ['radocc-log-odds_bevfusion-r50_flashocc-r50', 'radocc-effocc_bevfusion-r50_flashocc-r50-m1']
)
def test_rays_density_and_weights_are_those_of_the_measured_config(name):
    model = Config.fromfile(path_of(name)).model
    measured = Config.fromfile(CONFIGS / 'radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py').model
    assert model.connectors.rendered == measured.connectors.rendered
    for key in ('step', 'field'):
        assert model.shared.rays.geometry[key] == measured.shared.rays.geometry[key]
    assert {loss: model.losses[loss].loss_weight for loss in RAYS} == {
        loss: measured.losses[loss].loss_weight for loss in RAYS
    }


@pytest.mark.parametrize('name', LOSSES)
def test_a_small_one_takes_a_step_with_its_losses_from_the_head_it_inherits(name, nuscenes_root, tmp_path):
    cfg = read_small(path_of(name), nuscenes_root, **{'model.student': SMALL, 'model.teacher': FUSION})
    torch.save({'state_dict': MODELS.build(cfg.model.teacher).state_dict()}, tmp_path / 'teacher.pth')
    cfg.model.update(teacher_ckpt=str(tmp_path / 'teacher.pth'), teacher_config=None)
    model = MODELS.build(cfg.model)
    model.init_weights()
    weights = (model.student.occ_head.state_dict(), model.teacher.model.occ_head.state_dict())
    same = all(torch.equal(value, weights[1][key]) for key, value in weights[0].items())
    assert same == bool(GROUPS & LOSSES[name])
    batch = batch_of(cfg.train_dataloader, 2)
    assert ('segments' in batch['data_samples'][0]) == bool(RAYS & LOSSES[name])
    losses = model.train().train_step(batch, OptimWrapper(torch.optim.Adam(model.student.parameters(), lr=1e-3)))
    assert set(losses) == {'loss', 'loss_occ', *LOSSES[name]}
    assert all(value > 0 for value in losses.values())
