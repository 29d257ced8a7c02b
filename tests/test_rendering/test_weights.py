"""Weights from densities."""

import math

import pytest
import torch

from projects.rendering import accumulate_along_rays, median_depths, render_weight_from_density


def test_hand_worked_weights():
    t = torch.tensor([0.0, 1.0, 3.0])
    sigmas = torch.tensor([[math.log(2.0), math.log(2.0)]])
    weights, trans, alphas = render_weight_from_density(t[:-1], t[1:], sigmas)
    # Half of the ray ends in the first metre, three quarters of the rest in the next two.
    assert torch.allclose(alphas, torch.tensor([[0.5, 0.75]]))
    assert torch.allclose(trans, torch.tensor([[1.0, 0.5]]))
    assert torch.allclose(weights, torch.tensor([[0.5, 0.375]]))


def test_weights_and_remaining_transmittance_sum_to_one():
    torch.manual_seed(0)
    t = torch.linspace(0, 10, 51).double()
    weights, trans, alphas = render_weight_from_density(t[:-1], t[1:], torch.rand(7, 50).double() * 3)
    remaining = trans[:, -1] * (1 - alphas[:, -1])
    assert torch.allclose(weights.sum(dim=1) + remaining, torch.ones(7).double(), atol=1e-12)


def test_splitting_a_sample_in_two_changes_nothing():
    sigmas = torch.tensor([[0.3, 1.2, 0.7]], dtype=torch.float64)
    t = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
    whole = render_weight_from_density(t[:-1], t[1:], sigmas)[0]
    t_split = torch.tensor([0.0, 1.0, 1.3, 2.0, 3.0], dtype=torch.float64)
    split = render_weight_from_density(t_split[:-1], t_split[1:], sigmas[:, [0, 1, 1, 2]])[0]
    assert torch.allclose(split[0, 1] + split[0, 2], whole[0, 1])
    assert torch.allclose(split[0, [0, 3]], whole[0, [0, 2]])


def test_an_opaque_sample_does_not_disturb_what_is_before_it():
    t = torch.tensor([0.0, 1.0, 2.0, 3.0])
    weights = render_weight_from_density(t[:-1], t[1:], torch.tensor([[0.5, 1e9, 1e9]]))[0]
    first = 1 - math.exp(-0.5)
    assert torch.allclose(weights, torch.tensor([[first, 1 - first, 0.0]]))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_densities_are_accumulated_in_float32(dtype):
    torch.manual_seed(0)
    t = torch.linspace(0, 57.4, 288)
    sigmas = (torch.rand(50, 287) * 0.2).to(dtype)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        weights, _, _ = render_weight_from_density(t[:-1], t[1:], sigmas)
    exact = render_weight_from_density(t[:-1].double(), t[1:].double(), sigmas.double())[0]
    assert weights.dtype == torch.float32
    assert torch.allclose(weights.double(), exact, atol=1e-6)
    assert weights.sum(dim=1).max() <= 1 + 1e-5


def test_weight_gradients():
    t = torch.linspace(0, 4, 9, dtype=torch.float64)
    sigmas = torch.rand(3, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: render_weight_from_density(t[:-1], t[1:], s), sigmas)


def test_sample_counts_must_agree():
    with pytest.raises(ValueError, match='as many samples'):
        render_weight_from_density(torch.zeros(3), torch.ones(3), torch.ones(2, 4))


def test_accumulation_by_hand():
    weights = torch.tensor([[0.5, 0.25]])
    values = torch.tensor([[[1.0, 2.0], [4.0, 8.0]]])
    assert accumulate_along_rays(weights, values).tolist() == [[1.5, 3.0]]
    assert accumulate_along_rays(weights).tolist() == [[0.75]]


def test_median_depth_by_hand():
    t = torch.tensor([0.0, 1.0, 2.0, 3.0])
    weights = torch.tensor([[0.25, 0.5, 0.25], [0.1, 0.1, 0.1], [1.0, 0.0, 0.0]])
    depth = median_depths(weights, t[:-1], t[1:])
    assert depth.tolist() == [1.5, math.inf, 0.5]
