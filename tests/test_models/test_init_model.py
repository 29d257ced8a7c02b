"""``mmdet3d.apis.init_model``: the usual way to get a trained model from a config and a checkpoint."""

import pytest
import torch
from mmdet3d.apis import init_model
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.utils import import_modules_from_strings

from projects.engine import save_checkpoint_atomic

MINI = (
    'bevdet_occ/bevdet-occ_mini_1xb1-7e_minidrive',
    'bevfusion_occ/bevfusion-occ_mini_1xb1-7e_minidrive',
    'bevformer_occ/bevformer-occ_lite0_1xb1-6e_minidrive',
    'tpvformer_occ/tpvformer-occ_lite0_1xb1-6e_minidrive',
    'flashocc/flashocc_mini_1xb1-7e_minidrive',
    'lidar_occ/lidar-occ_mini_1xb1-7e_minidrive',
    'radocc/radocc_bevfusion-mini_flashocc-mini_1xb1-4e_minidrive',
    'mono_depth/mono-depth_mini_1xb4-12e_minidrive',
    'stereo_depth/stereo-depth_mini_1xb4-6e_minidrive',
    'stereo_depth/stereo-depth-left-twice_mini_1xb4-6e_minidrive',
    'adudepth/adudepth_stereo-mini_mono-mini_1xb4-12e_minidrive',
    'adudepth/adudepth-cbam_stereo-mini_mono-mini_1xb4-12e_minidrive',
)
FULL = (
    'bevdet_occ/bevdet-occ_r50_8xb4-24e_occ3d-nus',
    'bevfusion_occ/bevfusion-occ_r50_8xb4-24e_occ3d-nus',
    'bevformer_occ/bevformer-occ_r50_8xb1-24e_occ3d-nus',
    'tpvformer_occ/tpvformer-occ_r50_8xb1-24e_occ3d-nus',
    'flashocc/flashocc_r50_8xb4-24e_occ3d-nus',
    'lidar_occ/lidar-occ_pillar_8xb4-24e_occ3d-nus',
    'radocc/radocc_bevfusion-r50_flashocc-r50_8xb4-24e_occ3d-nus',
    'mono_depth/mono-depth_swin-t_8xb1-50e_kitti-eigen',
    'stereo_depth/stereo-depth_r50_8xb1-50e_drivingstereo',
    'adudepth/adudepth_stereo-r50_mono-r50_8xb1-50e_kitti-official',
)


def marked_weights(config):
    """Weights of the model of a config, of which the last one is marked."""
    import_modules_from_strings(**config.custom_imports)
    init_default_scope(config.default_scope)
    state = MODELS.build(config.model).state_dict()
    name, weight = next((n, w) for n, w in reversed(state.items()) if w.is_floating_point() and 'running' not in n)
    weight.fill_(0.625)
    return state, name


@pytest.mark.parametrize('name', MINI)
def test_small_models_get_their_weights_meta_and_config(repo, tmp_path, name):
    config = Config.fromfile(repo / f'configs/{name}.py')
    state, marked = marked_weights(config)
    meta = {'dataset_meta': {'classes': ('thing',)}}
    save_checkpoint_atomic({'meta': meta, 'state_dict': state}, tmp_path / 'model.pth')
    model = init_model(str(repo / f'configs/{name}.py'), str(tmp_path / 'model.pth'), device='cpu')
    assert type(model).__name__ == config.model.type
    assert not model.training
    assert (model.state_dict()[marked] == 0.625).all()
    assert model.dataset_meta['classes'] == ('thing',)
    assert model.cfg.model.type == config.model.type


@pytest.mark.parametrize('name', FULL)
def test_full_size_models_are_built_and_weights_without_meta_are_enough(repo, tmp_path, name):
    path = str(repo / f'configs/{name}.py')
    weights = {'state_dict': {}}  # as load_checkpoint reads them, none of the model's
    torch.save(weights, tmp_path / 'weights.pth')
    model = init_model(path, str(tmp_path / 'weights.pth'), device='cpu')
    assert 'classes' in model.dataset_meta
    assert callable(model.test_step)


def test_train_cfg_with_a_value_is_an_error(repo):
    config = Config.fromfile(repo / f'configs/{MINI[2]}.py')
    import_modules_from_strings(**config.custom_imports)
    for model in (config.model, Config.fromfile(repo / f'configs/{MINI[4]}.py').model):
        with pytest.raises(TypeError, match=f"{model.type}.__init__.* unexpected keyword argument 'train_cfg'"):
            MODELS.build({**model, 'train_cfg': {'max_epochs': 1}})
