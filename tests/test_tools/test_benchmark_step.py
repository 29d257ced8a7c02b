"""The made-up batch of the step benchmark goes through the real models."""

import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]


@pytest.fixture
def step(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools' / 'analysis_tools'))
    from ops_benchmarks import step

    yield step
    for name in [name for name in sys.modules if name.startswith('ops_benchmarks')]:
        sys.modules.pop(name)


def test_both_steps_give_finite_losses_and_rays_go_far(step):
    torch.manual_seed(0)
    steps = step.Steps(num_rays=120)
    student = steps.step(step.STUDENT, torch.float32)()
    radocc = steps.step(step.RADOCC, torch.float32)()
    assert step.check_finite(step.RADOCC, radocc, student) is None
    assert len(radocc) == len(student) + 3
    model = steps.models[step.RADOCC]
    assert all(parameter.grad is not None for parameter in model.student.occ_head.parameters())
    with torch.no_grad():
        rays = model.shared['rays'](steps.batch['inputs'], steps.batch['data_samples'])
        logits = model.teacher.extract_outputs(dict(steps.batch['inputs']))['occ_logits']
        rendered = model.connectors['rendered'](logits, rays)
    reached = rendered['weights'][:, :, 50:].sum() / rendered['weights'].sum()
    assert reached > 0.05  # a good part of the rays passes 20 m
