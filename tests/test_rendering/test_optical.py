"""Optical depths are the logarithm of what the weights leave over, and keep their gradient behind matter."""

import pytest
import torch

from projects.rendering import (
    VoxelGrid,
    optical_depths,
    prepare_ray_samples,
    render_occupancy_samples,
    uniform_samples,
)

GRID = VoxelGrid((0.0, 0.0, 0.0, 4.0, 4.0, 4.0), (4, 4, 4))


def rays(field, packed=None, directions=((1.0, 0.2, 0.1), (0.5, 1.0, -0.1), (-1.0, 0.0, 0.0))):
    rays_d = torch.tensor(directions)[None].repeat(2, 1, 1)
    rays_o = torch.full_like(rays_d, 0.3)
    return prepare_ray_samples(rays_o, rays_d, GRID, *uniform_samples((0.0, 5.0), 0.5), packed=packed, field=field)


@pytest.mark.parametrize('field', ['trilinear', 'voxel'])
@pytest.mark.parametrize('packed', [None, False])
@pytest.mark.parametrize('density', ['softplus_free', 'log_odds', 'prob'])
def test_weights_are_what_is_lost_between_the_edges_of_a_bin(field, packed, density):
    logits, samples = torch.randn(2, 4, 4, 4, 3), rays(field, packed)
    depths = optical_depths(logits, samples, 1.0, density, 0.7)
    weights = render_occupancy_samples(logits, samples, 1.0, density, 0.7).weights
    assert depths.shape == (2, 3, 11)
    torch.testing.assert_close((-depths).exp()[..., :-1] - (-depths).exp()[..., 1:], weights, atol=2e-6, rtol=0)


def test_depth_of_uniform_matter_by_hand():
    """A free logit of 0 is softplus(0) = ln 2 per metre; the ray leaves the box after 3.7 m."""
    samples = rays('voxel', directions=((1.0, 0.0, 0.0),))
    depths = optical_depths(torch.zeros(2, 4, 4, 4, 3), samples)[0, 0]
    metres = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 3.7, 3.7, 3.7])
    torch.testing.assert_close(depths, metres * 0.6931472)


@pytest.mark.parametrize('field', ['trilinear', 'voxel'])
def test_the_gradient_behind_opaque_matter_is_that_of_a_sum(field):
    """d tau / d free of sigma = softplus(-free) is -sigmoid(-free) = -1 per metre of opaque matter."""
    logits = torch.zeros(2, 4, 4, 4, 3)
    logits[..., -1] = -40.0
    logits.requires_grad_()
    depths = optical_depths(logits, rays(field, directions=((1.0, 0.0, 0.0),)))
    assert (-depths[0, 0, 6]).exp() < 1e-30
    depths[0, 0, 6].backward()
    assert logits.grad[..., -1].sum() == pytest.approx(-3.0)


def test_logits_of_another_batch_are_refused():
    with pytest.raises(ValueError, match='B = 2 as the rays'):
        optical_depths(torch.zeros(1, 4, 4, 4, 3), rays('voxel'))
