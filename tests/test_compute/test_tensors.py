import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from projects.compute import tensors
from projects.compute.tensors import is_fake, numba_usable, triton_enabled, triton_usable


def fake():
    with FakeTensorMode():
        return torch.zeros(1)


def test_numba_reads_parameters_and_tensors_with_values_on_the_cpu():
    pytest.importorskip('numba')
    assert numba_usable(torch.zeros(1), torch.zeros(1).double(), torch.nn.Parameter(torch.zeros(1)))
    assert is_fake(fake())
    for unreadable in (fake(), torch.zeros(1, device='meta'), torch.zeros(1).half(), torch.zeros(1).bfloat16()):
        assert not numba_usable(torch.zeros(1), unreadable)
    assert numba_usable(torch.zeros(1).bfloat16(), bfloat16=True)


def test_environment_switches_numba_off(monkeypatch):
    monkeypatch.setenv('GEODISTILL_NUMBA', '0')
    assert not numba_usable(torch.zeros(1))


def test_triton_runs_on_cuda_only():
    assert not triton_usable(torch.zeros(1))


def test_environment_switches_triton_off(monkeypatch):
    monkeypatch.setattr(tensors, '_triton_installed', lambda: True)
    assert triton_enabled()
    monkeypatch.setenv('GEODISTILL_TRITON', '0')
    assert not triton_enabled()
