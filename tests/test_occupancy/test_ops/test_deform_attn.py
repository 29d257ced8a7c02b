"""Which code reads feature maps at the places of deformable attention."""

from types import SimpleNamespace

import pytest
import torch

from projects.occupancy.ops import deform_attn


@pytest.fixture
def deterministic():
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize(
    ('cuda', 'built', 'runs'), [(True, '12.1', True), (False, '12.1', False), (True, 'not available', False)]
)
def test_the_kernel_of_mmcv_runs_on_cuda_where_it_was_built(cuda, built, runs, monkeypatch):
    monkeypatch.setattr(deform_attn, 'get_compiling_cuda_version', lambda: built)
    assert deform_attn._kernel_runs(SimpleNamespace(is_cuda=cuda)) == runs


@pytest.mark.usefixtures('deterministic')
def test_it_does_not_run_where_results_shall_repeat(monkeypatch):
    """It adds gradients in any order, and PyTorch does not know of it to warn."""
    monkeypatch.setattr(deform_attn, 'get_compiling_cuda_version', lambda: '12.1')
    assert not deform_attn._kernel_runs(SimpleNamespace(is_cuda=True))
