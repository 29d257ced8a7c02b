"""Every config that compares RadOcc with its rivals takes a step: outputs of the real models, real losses."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope

import projects.distillation
import projects.occupancy
import projects.radocc  # noqa: F401 - the packages register their models
from projects.engine import save_checkpoint_atomic

PAIR = 'bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive'
REPO = Path(__file__).resolve().parents[2]
FOLDER = REPO / 'configs/radocc'
# But for those that compare nothing: inherit-head and inherit-camera.
CONFIGS = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob(f'*_{PAIR}.py') if path.stem[:7] != 'inherit')
STORED = {}


class StoredOutputs(BaseModel):
    """Gives outputs that another model made, as leaves; its weight is there to be saved."""

    def __init__(self, name):
        super().__init__()
        self.name, self.weight = name, torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.extract_outputs(inputs, data_samples)

    def extract_outputs(self, inputs, data_samples=None):
        return STORED[self.name]

    def loss_by_outputs(self, outputs, data_samples):
        return {}


class Sample(SimpleNamespace):
    """As much of a data sample as distillation reads."""

    def __contains__(self, name):
        return hasattr(self, name)

    def get(self, name):
        return getattr(self, name)


def make_batch(labelled):
    """Six cameras that look around; half of the voxels free, a tenth not labelled, or none labelled."""
    yaws = torch.arange(6) * torch.pi / 3
    look = torch.tensor([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 1.0], [0, 0, 0, 1]])
    turn = torch.eye(4).repeat(6, 1, 1)
    turn[:, 0, 0], turn[:, 1, 1] = yaws.cos(), yaws.cos()
    turn[:, 0, 1], turn[:, 1, 0] = -yaws.sin(), yaws.sin()
    cam2img = torch.tensor([[110.0, 0, 112], [0, 110, 64], [0, 0, 1]])
    inputs = {
        'imgs': torch.randn(1, 6, 3, 128, 224),
        'points': [torch.cat([torch.rand(2000, 3) * 60 - 30, torch.rand(2000, 2)], dim=1)],
        'cam2img': cam2img.expand(1, 6, 3, 3),
        'cam2ego': (turn @ look)[None],
        'img_aug_matrix': torch.eye(3).expand(1, 6, 3, 3),
        'bda_mat': torch.eye(4)[None],
    }
    labels = torch.randint(0, 34, (200, 200, 16)).clamp_max(17)
    labels[torch.rand(labels.shape) < (0.1 if labelled else 2.0)] = 255
    blocks = torch.arange(1, 55, dtype=torch.int32).view(6, 9)
    sample = Sample(
        metainfo={'token': 'a', 'ori_shape': (128, 224), 'labelled': labelled},
        gt_occ=labels.to(torch.uint8),
        mask_camera=(labels != 255) & (torch.rand(labels.shape) < 0.5),
        segments=blocks.repeat_interleave(10, 0).repeat_interleave(18, 1)[:, :160].expand(6, 60, 160),
    )
    return inputs, [sample]


@pytest.fixture(scope='module')
def outputs():
    """Outputs of the student and of the teacher of the configs, with random weights, of one batch."""
    torch.manual_seed(0)
    model = Config.fromfile(FOLDER / f'radocc_{PAIR}.py').model
    inputs, found = make_batch(labelled=True)[0], {}
    with DefaultScope.overwrite_default_scope('mmdet3d'), torch.no_grad():
        for name in ('student', 'teacher'):
            built = MODELS.build(model[name]).eval()
            found[name] = built.extract_outputs(inputs)
            found[name].update(built.derive_outputs(found[name]))
    return found


@pytest.fixture
def build(outputs, tmp_path):
    """The Distiller of a config between models that give the stored outputs."""
    MODELS.register_module(name='StoredOutputs', module=StoredOutputs, force=True)
    STORED['teacher'] = outputs['teacher']
    STORED['student'] = {name: value.clone().requires_grad_() for name, value in outputs['student'].items()}

    def make(name):
        model = Config.fromfile(FOLDER / name).model
        model.update(teacher_ckpt=str(tmp_path / 'teacher.pth'), inherit=None)
        for role in ('student', 'teacher'):
            model[role] = {'type': 'StoredOutputs', 'name': role}
        save_checkpoint_atomic({'meta': {}, 'state_dict': StoredOutputs('teacher').state_dict()}, model.teacher_ckpt)
        built = MODELS.build(model)
        built.init_weights()
        return built.train()

    yield make
    MODELS.module_dict.pop('StoredOutputs')


@pytest.mark.parametrize('name', CONFIGS)
def test_each_loss_of_a_config_teaches_the_student(name, build):
    model = build(name)
    # Labels of the teacher are for frames without any.
    losses = model(*make_batch(labelled='pseudo' not in name), mode='loss')
    assert set(losses) == set(model.losses) != set()
    for loss in losses.values():
        leaves = [leaf for leaf in STORED['student'].values() if leaf.requires_grad]
        gradients = torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
        used = [gradient for gradient in gradients if gradient is not None]
        assert loss > 0
        assert all(gradient.isfinite().all() for gradient in used)
        assert sum(gradient.abs().sum() for gradient in used) > 0


def test_frames_without_labels_count_three_times_where_the_config_says_so(build):
    values = []
    for method in ('radocc', 'ablation/radocc-unlabelled'):
        torch.manual_seed(2)  # of the rays
        values.append(build(f'{method}_{PAIR}.py')(*make_batch(labelled=False), mode='loss'))
    for name in ('loss_rdc', 'loss_rsc', 'loss_rsc_kl'):
        assert values[1][name].item() == pytest.approx(3 * values[0][name].item(), rel=1e-5)


@pytest.mark.parametrize('method', ['logit-kl-trust', 'radocc-trust'])
def test_without_labels_trust_is_the_confidence_of_the_teacher(method, build):
    model = build(f'ablation/{method}_{PAIR}.py')
    losses = model(*make_batch(labelled=False), mode='loss')
    assert all(loss > 0 for loss in losses.values())


def test_the_study_of_the_zoo_has_an_arm_for_every_ablation():
    arms = Config.fromfile(REPO / 'configs/studies/radocc_zoo.py').arms
    ablations = {f'configs/radocc/{name}' for name in CONFIGS if name.startswith('ablation/')}
    assert {arm for arm in arms.values() if isinstance(arm, str)} >= ablations
