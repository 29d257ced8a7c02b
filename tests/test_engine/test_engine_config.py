"""Config keys, the choice of mixed precision, and process groups without a GPU."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, OPTIM_WRAPPERS

from projects.engine import (
    CpuAutocastOptimWrapper,
    check_config_keys,
    enable_amp,
    explain_unknown_argument,
    setup_cpu_process_group,
)


def test_known_keys_pass(toys):
    check_config_keys(Config(toys.toy_config('w', _helper=1, data_root='d', point_cloud_range=[0] * 6)))


def test_misspelt_key_is_refused_with_a_suggestion():
    with pytest.raises(KeyError, match=r"'optim_wraper' \(did you mean 'optim_wrapper'\?\)"):
        check_config_keys({'optim_wraper': {}})
    with pytest.raises(KeyError, match='config_variables'):
        check_config_keys({'zzzzzz': 1})


def test_own_variables_are_declared():
    check_config_keys({'my_value': 1, 'config_variables': ['my_value']})
    with pytest.raises(KeyError, match='list of names'):
        check_config_keys({'config_variables': 'my_value'})


@MODELS.register_module()
class KeyedPart:
    """Something that is built from two keys."""

    def __init__(self, width=1, depth=1):
        self.size = (width, depth)


def test_misspelt_model_key_is_named_with_its_place_and_the_known_keys():
    cfg = {'type': 'Outer', 'parts': [{'type': 'KeyedPart', 'widht': 1}]}
    with pytest.raises(TypeError) as error:
        MODELS.build(cfg['parts'][0])
    message = explain_unknown_argument(error.value, cfg)
    assert message == "unknown config key model.parts[0].widht (did you mean 'width'?); KeyedPart takes width, depth"
    assert explain_unknown_argument(error.value, {'type': 'KeyedPart'}) is None
    assert explain_unknown_argument(TypeError('another fault'), cfg) is None


@pytest.mark.parametrize(
    ('before', 'amp', 'cuda', 'after'),
    [
        ('OptimWrapper', False, True, {'type': 'OptimWrapper'}),
        ('OptimWrapper', True, False, {'type': 'CpuAutocastOptimWrapper'}),
        ('OptimWrapper', True, True, {'type': 'AmpOptimWrapper', 'loss_scale': 'dynamic'}),
        ('AmpOptimWrapper', False, False, {'type': 'CpuAutocastOptimWrapper'}),
        ('AmpOptimWrapper', True, True, {'type': 'AmpOptimWrapper'}),
    ],
)
def test_wrapper_for_mixed_precision(before, amp, cuda, after):
    cfg = {'type': before}
    if (before, cuda) == ('AmpOptimWrapper', False):
        cfg['loss_scale'] = 'dynamic'
    enable_amp(cfg, amp, cuda)
    assert cfg == after


def test_amp_refuses_a_wrapper_it_cannot_replace():
    with pytest.raises(ValueError, match='ApexOptimWrapper'):
        enable_amp({'type': 'ApexOptimWrapper'}, amp=True, cuda=True)


def test_cpu_autocast_computes_in_bfloat16_and_updates_in_float32(toys):
    net = toys.ToyNet(dropout=0.0)
    wrapper = OPTIM_WRAPPERS.build(
        {'type': 'CpuAutocastOptimWrapper', 'optimizer': torch.optim.SGD(net.parameters(), lr=0.1)}
    )
    assert isinstance(wrapper, CpuAutocastOptimWrapper)
    before = net.head.weight.detach().clone()
    with wrapper.optim_context(net):
        logits = net({'x': torch.randn(4, 4)})['logits']
    assert logits.dtype == torch.bfloat16
    wrapper.update_params(logits.float().square().mean())
    assert net.head.weight.dtype == torch.float32
    assert not torch.equal(net.head.weight, before)


def test_process_group_without_launcher_names_the_script(monkeypatch):
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('MASTER_PORT', '29500')
    with pytest.raises(RuntimeError, match=r'RANK.*dist_train\.sh'):
        setup_cpu_process_group('pytorch')
    with pytest.raises(ValueError, match='launcher must be one of'):
        setup_cpu_process_group('torch')
