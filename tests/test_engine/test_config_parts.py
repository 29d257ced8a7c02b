"""Keys that MMEngine would pass over without a word, and weights that would go over others."""

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

import projects.distillation  # noqa: F401 - registers the Distiller
from projects.engine import ConfigError, SafeRunner, read_config
from projects.engine.config_parts import check_config_parts, unmatched_custom_keys


@pytest.mark.parametrize(
    ('part', 'message'),
    [
        ({'env_cfg': {'cudnn_bench': True}}, r"env_cfg\.cudnn_bench .*did you mean 'cudnn_benchmark'"),
        ({'env_cfg': {'mp_cfg': {'start_method': 'spawn'}}}, r"env_cfg\.mp_cfg\.start_method .*'mp_start_method'"),
        ({'auto_scale_lr': {'enabled': True}}, r"auto_scale_lr\.enabled .*'enable'"),
        ({'optim_wrapper': {'paramwise_cfg': {'custom_key': {}}}}, r"paramwise_cfg\.custom_key .*'custom_keys'"),
    ],
)
def test_a_key_that_mmengine_would_pass_over_is_refused_by_name(part, message):
    with pytest.raises(ConfigError, match=message):
        check_config_parts(part)


def test_options_go_through_the_same_check(repo):
    config = repo / 'configs/flashocc/flashocc_r50_8xb4-24e_occ3d-nus.py'
    with pytest.raises(ConfigError, match=r"auto_scale_lr\.base_batchsize .*did you mean 'base_batch_size'"):
        read_config(config, {'auto_scale_lr.base_batchsize': 16})


def test_another_constructor_of_the_optimizer_may_read_other_keys():
    paramwise = {'num_layers': 12}
    check_config_parts({'optim_wrapper': {'constructor': 'LayerDecay', 'paramwise_cfg': paramwise}})
    with pytest.raises(ConfigError, match='num_layers'):
        check_config_parts({'optim_wrapper': {'paramwise_cfg': paramwise}})


def test_custom_keys_that_are_part_of_no_parameter_name_are_found(toys):
    keys = {'stem': {'lr_mult': 0.1}, 'img_backbone': {'lr_mult': 0.1}}
    assert list(unmatched_custom_keys(toys.ToyNet(), {'paramwise_cfg': {'custom_keys': keys}})) == ['img_backbone']
    assert list(unmatched_custom_keys(toys.ToyNet(), {})) == []


def warnings_of(monkeypatch, cfg):
    """Train by a config, and return what the log warned of."""
    texts = []

    def build_logger(self, *args, **kwargs):
        logger = Runner.build_logger(self, *args, **kwargs)
        monkeypatch.setattr(logger, 'warning', texts.append)
        return logger

    monkeypatch.setattr(SafeRunner, 'build_logger', build_logger)
    SafeRunner.from_cfg(Config(cfg)).train()
    return texts


def test_training_warns_of_custom_keys_that_change_nothing(toys, tmp_path, monkeypatch):
    cfg = toys.toy_config(tmp_path, epochs=1)
    cfg['optim_wrapper']['paramwise_cfg'] = {'custom_keys': {'stme': {'lr_mult': 0.1}, 'head': {'lr_mult': 0.1}}}
    assert [text for text in warnings_of(monkeypatch, cfg) if 'custom_keys' in text] == [
        "optim_wrapper.paramwise_cfg.custom_keys: 'stme' is in no parameter name of the model"
    ]


def test_load_from_says_that_it_goes_over_the_students_checkpoint(toys, tmp_path, monkeypatch):
    nets = {'teacher': toys.ToyNet(channels=6), 'student': toys.ToyNet()}
    paths = {name: tmp_path / f'{name}.pth' for name in (*nets, 'whole')}
    for name, net in nets.items():
        torch.save({'state_dict': net.state_dict(), 'meta': {}}, paths[name])
    whole = {f'student.{name}': value for name, value in nets['student'].state_dict().items()}
    torch.save({'state_dict': whole, 'meta': {}}, paths['whole'])
    model = {**toys.distiller_config(paths['teacher']), 'student_ckpt': str(paths['student'])}
    cfg = toys.toy_config(tmp_path / 'run', model, epochs=1, load_from=str(paths['whole']), default_scope='mmdet3d')
    assert [text for text in warnings_of(monkeypatch, cfg) if 'load_from=' in text] == [
        f'load_from={paths["whole"]} goes over the weights of model.student_ckpt={paths["student"]}'
    ]
