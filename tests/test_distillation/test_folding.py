"""BatchNorms that are folded into convolutions: for every kind of teacher, and what must stay as it was."""

import copy
import math
import threading

import pytest
import torch
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.utils import import_modules_from_strings
from torch import nn

from projects.distillation import Distiller, FrozenTeacher, fold_batch_norms
from projects.engine import save_checkpoint_atomic

HEADINGS = (55, 0, -55, 110, 180, -110)
RUN = (
    'bevfusion_occ/bevfusion-occ_mini_1xb1-7e_minidrive',
    'bevfusion_occ/bevfusion-occ_lite0_1xb1-6e_minidrive',
    'lidar_occ/lidar-occ_mini_1xb1-7e_minidrive',
    'flashocc/flashocc_mini_1xb1-7e_minidrive',
    'bevdet_occ/bevdet-occ_mini_1xb1-7e_minidrive',
    'stereo_depth/stereo-depth_mini_1xb4-6e_minidrive',
    'stereo_depth/stereo-depth_lite0_1xb4-6e_minidrive',
)
BUILT = (
    'bevfusion_occ/bevfusion-occ_r50_8xb4-24e_occ3d-nus',
    'flashocc/flashocc_r50-4d-stereo_8xb4-24e_occ3d-nus',
    'stereo_depth/stereo-depth_r50_8xb1-50e_kitti-eigen',
    'stereo_depth/stereo-depth_swin-t_8xb1-50e_kitti-eigen',
)
# Normalisations of points and of numbers of the camera, after no convolution.
KEPT = {'pts_encoder.norm', 'view_transform.depth_net.camera_norm'}


def norms_of(model):
    return {name: m for name, m in model.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)}


def build(repo, name):
    """A model of a config in evaluation, whose normalisations are far from the identity."""
    config = Config.fromfile(repo / f'configs/{name}.py')
    import_modules_from_strings(**config.custom_imports)
    model = MODELS.build(config.model).eval().requires_grad_(False)
    for norm in norms_of(model).values():
        norm.running_mean.normal_(0, 0.3)
        norm.running_var.uniform_(0.5, 2)
        norm.weight.uniform_(0.5, 1.5)
        norm.bias.normal_(0, 0.3)
    return model


def occupancy_inputs(H=64, W=96):
    """Images, points and cameras that look around."""
    cam2ego, optical = torch.eye(4).repeat(1, 6, 1, 1), torch.tensor([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    for i, heading in enumerate(HEADINGS):
        c, s = math.cos(math.radians(heading)), math.sin(math.radians(heading))
        cam2ego[:, i, :3, :3] = torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ optical
    points = torch.rand(2000, 5) * torch.tensor([80.0, 80, 4, 255, 0.5]) - torch.tensor([40.0, 40, 1, 0, 0])
    return {
        'imgs': torch.randn(1, 6, 3, H, W),
        'points': [points],
        'cam2img': torch.tensor([[W / 2, 0, W / 2 - 0.5], [0, W / 2, H / 2 - 0.5], [0, 0, 1]]).repeat(1, 6, 1, 1),
        'cam2ego': cam2ego,
        'img_aug_matrix': torch.eye(3).repeat(1, 6, 1, 1),
        'bda_mat': torch.eye(4)[None],
    }


def depth_inputs(H=64, W=96):
    return {
        'img': torch.randn(1, 3, H, W),
        'right_img': torch.randn(1, 3, H, W),
        'valid_mask': torch.ones(1, H, W, dtype=torch.bool),
        'cam2img': torch.tensor([[[80.0, 0, 48], [0, 80, 32], [0, 0, 1]]]),
        'baseline': torch.tensor([0.54]),
    }


@pytest.mark.parametrize('name', RUN)
def test_a_folded_teacher_has_the_outputs_of_the_teacher_to_rounding(repo, name):
    model = build(repo, name)
    inputs = depth_inputs() if 'stereo' in name else occupancy_inputs()
    folded = fold_batch_norms(model)
    with torch.no_grad():
        expected, found = (m.extract_outputs(dict(inputs), None) for m in (model, folded))
    assert set(norms_of(folded)) <= KEPT
    assert len(norms_of(model)) > 10
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=0, atol=3e-5 * value.abs().max().item(), msg=key)


@pytest.mark.parametrize('name', BUILT)
def test_no_convolution_of_a_large_teacher_is_followed_by_a_normalisation(repo, name):
    assert set(norms_of(fold_batch_norms(build(repo, name)))) <= KEPT


def conv_and_norm(kind=nn.Conv2d, **options):
    norm = nn.BatchNorm2d(4).eval()
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    return kind(4, 4, 3, **options).eval(), norm


def test_folded_numbers_are_those_worked_out_by_hand():
    """3x + 1, minus the mean 5, over the root of 4, times 6, plus 7: 9x - 5."""
    conv, norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.0)
    for tensor, value in zip(
        (conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.weight, norm.bias), (3, 1, 5, 4, 6, 7)
    ):
        tensor.data.fill_(value)
    conv = fold_batch_norms(nn.Sequential(conv, norm).eval())[0]
    assert (conv.weight.item(), conv.bias.item()) == (9.0, -5.0)


@pytest.mark.parametrize('kind', [nn.Conv2d, nn.ConvTranspose2d])
def test_a_layout_and_frozen_weights_stay_and_the_model_is_not_changed(kind):
    model = nn.Sequential(*conv_and_norm(kind, bias=False), nn.ReLU()).eval().requires_grad_(False)
    model.to(memory_format=torch.channels_last)
    before = copy.deepcopy(model.state_dict())
    folded = fold_batch_norms(model)
    assert folded[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    assert isinstance(model[1], nn.BatchNorm2d)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(folded(x), model(x))


def test_tensors_that_are_not_folded_are_shared():
    model = nn.Sequential(*conv_and_norm(), nn.Conv2d(4, 8, 1), nn.LayerNorm(3)).eval()
    folded = fold_batch_norms(model)
    assert folded[2].weight is model[2].weight
    assert folded[3].bias is model[3].bias
    assert folded[0].weight is not model[0].weight


class Branches(nn.Module):
    """A convolution whose output is read twice, once without the normalisation."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = conv_and_norm(padding=1)

    def forward(self, x):
        return self.conv(x) + self.norm(self.conv(x))


class Scaled(nn.Conv2d):
    """A convolution that does more with its weights."""

    def forward(self, x):
        return self._conv_forward(x, self.weight / self.weight.norm(), self.bias)


def shared_conv():
    conv, norm = conv_and_norm(padding=1)
    return nn.Sequential(nn.Sequential(conv, norm), conv)


@pytest.mark.parametrize(
    'model',
    [
        Branches(),
        nn.Sequential(*conv_and_norm(Scaled)),
        shared_conv(),
        nn.Sequential(*conv_and_norm(nn.ConvTranspose2d, groups=2)),
        nn.Sequential(conv_and_norm()[0], nn.ReLU(), conv_and_norm()[1]),
        ConvModule(4, 4, 3, norm_cfg={'type': 'BN'}, order=('norm', 'conv', 'act')),
        ConvModule(4, 4, 3, norm_cfg={'type': 'BN'}, with_spectral_norm=True),
        nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
    ],
    ids=['read twice', 'own weights', 'shared', 'groups', 'relu between', 'norm first', 'spectral', 'batch statistics'],
)
def test_a_normalisation_that_does_more_than_follow_a_convolution_stays(model):
    model = model.eval()
    folded = fold_batch_norms(model)
    assert len(norms_of(folded)) == len(norms_of(model)) == 1
    x = torch.randn(1, 4, 6, 6)
    torch.testing.assert_close(folded(x), model(x))


def test_a_model_in_training_is_refused():
    with pytest.raises(ValueError, match=r'call eval\(\) first'):
        fold_batch_norms(nn.Sequential(*conv_and_norm()).train())


def test_a_model_that_cannot_be_copied_is_named_with_the_option_that_helps():
    model = nn.Sequential(*conv_and_norm()).eval()
    model.lock = threading.Lock()
    with pytest.raises(TypeError, match=r'Sequential cannot be copied .*lock.*fold_teacher_norms=False'):
        fold_batch_norms(model)


class Teacher(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(*conv_and_norm(padding=1))

    def extract_outputs(self, inputs, data_samples=None):
        return {'feat': self.stem(inputs['x'])}


@pytest.fixture
def frozen(tmp_path):
    """A teacher that holds other weights than its checkpoint, and these."""

    def make(**options):
        trained = Teacher().eval()
        save_checkpoint_atomic({'meta': {}, 'state_dict': trained.state_dict()}, tmp_path / 'teacher.pth')
        return FrozenTeacher(Teacher(), str(tmp_path / 'teacher.pth'), **options), trained

    return make


def test_a_teacher_is_folded_when_its_checkpoint_is_loaded_and_again_when_that_is_repeated(frozen):
    teacher, trained = frozen()
    assert teacher.running is teacher.model
    x = torch.randn(1, 4, 5, 5)
    for _ in range(2):  # a run that goes on loads the teacher again
        teacher.load()
        assert not norms_of(teacher.running)
        assert teacher.model.state_dict().keys() == trained.state_dict().keys()
        torch.testing.assert_close(teacher.extract_outputs({'x': x})['feat'], trained.extract_outputs({'x': x})['feat'])
    assert not teacher.state_dict()
    assert not list(teacher.parameters())
    assert copy.deepcopy(teacher).running is teacher.running


def test_a_teacher_moves_with_what_is_folded_and_stays_in_evaluation(frozen):
    teacher, _ = frozen()
    teacher.load()
    teacher.train().double()
    assert {parameter.dtype for parameter in teacher.running.parameters()} == {torch.float64}
    assert not any(module.training for module in teacher.running.modules())
    assert teacher.extract_outputs({'x': torch.zeros(1, 4, 5, 5).double()})['feat'].dtype == torch.float64


def test_folding_can_be_switched_off(frozen, toys):
    teacher, _ = frozen(fold_norms=False)
    teacher.load()
    assert teacher.running is teacher.model
    config = toys.distiller_config('teacher.pth')
    assert [MODELS.build({**config, **o}).teacher.fold_norms for o in ({}, {'fold_teacher_norms': False})] == [1, 0]
    assert MODELS.get('Distiller') is Distiller
