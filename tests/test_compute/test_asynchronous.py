"""What does not wait for a GPU gives what would; the waits are counted in tests/test_waits.py."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from projects.compute.asynchronous import _kept, constant, inverse, kept


def test_inverse_on_the_cpu_refuses_a_singular_matrix():
    assert inverse(torch.tensor([[2.0, 0.0], [0.0, 4.0]])).tolist() == [[0.5, 0.0], [0.0, 0.25]]
    with pytest.raises(torch.linalg.LinAlgError):
        inverse(torch.zeros(2, 2))


def test_constant_has_the_dtype_that_was_asked_for():
    made = constant([1, 2.5], torch.zeros(1, dtype=torch.float64))
    assert (made.tolist(), made.dtype) == ([1, 2.5], torch.float64)
    assert constant([1, 2], torch.zeros(1), torch.int64).dtype == torch.int64


def test_constant_of_another_device_is_made_once_and_usable_in_training():
    like = torch.zeros(1, device='meta')
    with torch.inference_mode():
        first = constant([3.0, 4.0], like)
    assert constant((3.0, 4.0), like) is first
    assert not first.is_inference()
    assert constant([3.0, 5.0], like) is not first


def _counting(start, device):
    return torch.arange(start, start + 3, device=device)


def test_what_follows_from_a_few_values_is_made_once_on_another_device():
    like = torch.zeros(1, device='meta')
    assert kept(_counting, (2,), like) is kept(_counting, (2,), like)
    assert kept(_counting, (2,), like) is not kept(_counting, (3,), like)
    assert kept(_counting, (2,), torch.zeros(1)).tolist() == [2, 3, 4]


def test_fake_tensors_are_not_kept():
    before = _kept.cache_info().currsize
    with FakeTensorMode():
        made = constant([7.0], torch.zeros(1))
    assert isinstance(made, FakeTensor)
    assert _kept.cache_info().currsize == before
