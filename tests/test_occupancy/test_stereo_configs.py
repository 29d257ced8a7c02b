"""The configs of Swin-B and of released weights with temporal stereo: made small they train and predict on the CPU.

Widths, depths and images are reduced; types, wiring, pipelines and losses are those of the configs.
"""

from pathlib import Path

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from small_configs import BEV, FUSION, SSC_HEAD, STEREO, SWIN, VOXEL, batch_of, image_steps, read_small

CONFIGS = Path(__file__).parents[2] / 'configs'
TEACHER = CONFIGS / 'bevfusion_occ/bevfusion-occ_r50-512x1408_8xb4-24e_occ3d-nus.py'
FLASHOCC = CONFIGS / 'flashocc/flashocc_swin-b-4d-stereo_8xb2-24e_occ3d-nus.py'
BEVDET_OCC = CONFIGS / 'bevdet_occ/bevdet-occ_swin-b-4d-stereo_8xb1-24e_occ3d-nus.py'
SSC = CONFIGS / 'bevdet_occ/bevdet-occ_swin-b-4d-stereo-ssc_8xb1-24e_occ3d-nus.py'
DISTILLED = {
    FLASHOCC: CONFIGS / 'radocc/radocc_bevfusion-r50-512x1408_flashocc-swin-b-4d-stereo_8xb2-24e_occ3d-nus.py',
    BEVDET_OCC: CONFIGS / 'radocc/radocc_bevfusion-r50-512x1408_bevdet-occ-swin-b-4d-stereo_8xb1-24e_occ3d-nus.py',
    SSC: CONFIGS / 'radocc/radocc_bevfusion-r50-512x1408_bevdet-occ-swin-b-4d-stereo-ssc_8xb1-24e_occ3d-nus.py',
}
SMALL = {FLASHOCC: {**SWIN, **BEV}, BEVDET_OCC: {**SWIN, **VOXEL}, SSC: {**SWIN, **VOXEL, **SSC_HEAD}}
LEGACY = {
    FLASHOCC.with_name('flashocc_swin-b-4d-stereo-legacy_8xb2-24e_occ3d-nus.py'): {**SWIN, **BEV},
    FLASHOCC.with_name('flashocc_r50-4d-stereo-legacy_8xb4-24e_occ3d-nus.py'): {**STEREO, **BEV},
    BEVDET_OCC.with_name('bevdet-occ_swin-b-4d-stereo-legacy_8xb1-24e_occ3d-nus.py'): {**SWIN, **VOXEL},
    BEVDET_OCC.with_name('bevdet-occ_r50-4d-stereo-legacy_8xb4-24e_occ3d-nus.py'): {**STEREO, **VOXEL},
}


def changed(model, step):
    """Names of the first parts of the model whose weights a step changes, and of the weights that have no gradient."""
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    step()
    parts = {name.split('.')[0] for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    return parts, [name for name, p in model.named_parameters() if p.grad is None]


@pytest.mark.parametrize(('path', 'small'), {**SMALL, **LEGACY}.items(), ids=lambda value: getattr(value, 'stem', ''))
def test_a_small_one_trains_all_its_weights_and_predicts(path, small, nuscenes_root):
    """Weights without a gradient would stop distributed training."""
    cfg = read_small(path, nuscenes_root, model=small)
    model = MODELS.build(cfg.model)
    model.train()
    optimizer = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-3))
    batch = batch_of(cfg.train_dataloader, 2)
    losses = {}
    optimizer.optimizer.zero_grad = lambda *args, **kwargs: None  # keep the gradients of the step
    parts, idle = changed(model, lambda: losses.update(model.train_step(batch, optimizer)))
    assert losses['loss_occ'] > 0
    assert losses['loss_depth'] > 0
    assert parts >= {'img_backbone', 'img_neck', 'view_transform', 'frame_encoder', 'grid_backbone', 'occ_head'}
    assert idle == []
    model.eval()
    (found,) = model.val_step(batch_of(cfg.val_dataloader, 1))
    assert found.pred_occ.shape == (200, 200, 16)


def test_the_teacher_of_these_images_trains_and_predicts(nuscenes_root):
    cfg = read_small(TEACHER, nuscenes_root, model=FUSION)
    model = MODELS.build(cfg.model).train()
    optimizer = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-3))
    losses = model.train_step(batch_of(cfg.train_dataloader, 1, 2), optimizer)
    assert losses['loss_occ'] > 0
    (found,) = model.eval().val_step(batch_of(cfg.val_dataloader, 1))
    assert found.pred_occ.shape == (200, 200, 16)


@pytest.mark.parametrize('path', SMALL, ids=lambda path: path.stem)
def test_a_small_one_is_distilled_by_the_losses_of_radocc(path, nuscenes_root, tmp_path):
    models = {'model.student': SMALL[path], 'model.teacher': FUSION}
    cfg = read_small(DISTILLED[path], nuscenes_root, **models)
    torch.save({'state_dict': MODELS.build(cfg.model.teacher).state_dict()}, tmp_path / 'teacher.pth')
    cfg.model.update(teacher_ckpt=str(tmp_path / 'teacher.pth'), teacher_config=None)
    model = MODELS.build(cfg.model)
    model.init_weights()
    optimizer = OptimWrapper(torch.optim.Adam(model.student.parameters(), lr=1e-3))
    losses = model.train().train_step(batch_of(cfg.train_dataloader, 2), optimizer)
    assert all(losses[key] > 0 for key in ('loss_occ', 'loss_rdc', 'loss_rsc', 'loss_rsc_kl'))
    (found,) = model.eval().val_step(batch_of(cfg.val_dataloader, 1))
    assert found.pred_occ.shape == (200, 200, 16)


@pytest.mark.parametrize('path', [*SMALL, *DISTILLED.values(), TEACHER], ids=lambda path: path.stem)
def test_images_are_of_512_x_1408_everywhere(path):
    cfg = Config.fromfile(path)
    loaders = (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)
    assert [tuple(image_steps(loader.dataset.pipeline)[1].final_dim) for loader in loaders] == [(512, 1408)] * 3


@pytest.mark.parametrize('path', SMALL, ids=lambda path: path.stem)
def test_the_distilled_student_is_on_the_same_schedule_under_the_teacher_of_its_images(path):
    plain, distilled, teacher = (Config.fromfile(each) for each in (path, DISTILLED[path], TEACHER))
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'auto_scale_lr', 'test_dataloader'):
        assert distilled[key] == plain[key]
    assert distilled.train_dataloader.batch_size == plain.train_dataloader.batch_size
    assert distilled.model.teacher == teacher.model
    assert (CONFIGS.parent / distilled.model.teacher_config) == TEACHER
    assert distilled.model.teacher_ckpt == f'work_dirs/{TEACHER.stem}/epoch_24.pth'
