"""The wiring of the README in a real Distiller, with two models that are a tensor each."""

import re
from pathlib import Path

import pytest
import torch
from mmdet3d.registry import MODELS

import projects.distillation
import projects.radocc
from projects.occupancy.models import BaseOccModel

README = Path(projects.radocc.__file__).with_name('README.md')
NAMES = ['loss_rdc', 'loss_rsc', 'loss_rsc_kl']


class VoxelTable(BaseOccModel):
    """Predicts its parameter."""

    def __init__(self, seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.logits = torch.nn.Parameter(torch.randn(1, 20, 20, 8, 5, generator=generator))

    def extract_outputs(self, inputs, data_samples):
        return {'occ_logits': self.logits.expand(2, -1, -1, -1, -1)}

    def loss_by_outputs(self, outputs, data_samples):
        return {'loss_task': outputs['occ_logits'].square().mean()}


@pytest.fixture
def readme_model(tmp_path, geometry):
    """The config of the README with the toy models and a small grid."""
    MODELS.register_module(name='VoxelTable', module=VoxelTable, force=True)
    code = re.search(r'```python\n(.*?)```', README.read_text(encoding='utf-8'), re.S).group(1)
    names = {'student': {'type': 'VoxelTable', 'seed': 1}, 'teacher': {'type': 'VoxelTable', 'seed': 2}}
    exec(code, names)
    config = names['model']
    config['teacher_ckpt'] = str(tmp_path / 'teacher.pth')
    torch.save({'state_dict': VoxelTable(seed=2).state_dict()}, config['teacher_ckpt'])
    config['shared']['rays'].update(num_rays=120, geometry=geometry)

    def build(student_seed=1):
        config['student']['seed'] = student_seed
        model = MODELS.build(config)
        model.init_weights()
        return model.train()

    yield build
    MODELS.module_dict.pop('VoxelTable')


def test_a_step_gives_every_loss_and_no_gradient_to_the_teacher(readme_model, make_batch):
    torch.manual_seed(0)
    inputs, samples = make_batch(segments=torch.randint(1, 4, (2, 2, 16, 24), dtype=torch.int32))
    model = readme_model()
    losses = model(inputs, samples, mode='loss')
    assert set(losses) == {'loss_task', *NAMES}
    assert all(losses[name] > 0 for name in NAMES)
    sum(losses[name] for name in NAMES).backward()
    assert model.student.logits.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in model.teacher.parameters())


def test_equal_models_have_no_distillation_loss_because_the_rays_are_the_same(readme_model, make_batch):
    torch.manual_seed(0)
    inputs, samples = make_batch(segments=torch.randint(1, 4, (2, 2, 16, 24), dtype=torch.int32))
    losses = readme_model(student_seed=2)(inputs, samples, mode='loss')
    assert all(losses[name].item() == pytest.approx(0.0, abs=1e-6) for name in NAMES)
