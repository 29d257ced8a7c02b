"""Voxels of constant density: exact depths, both back ends, gradients."""

import math

import pytest
import torch

from projects.rendering import VoxelGrid, prepare_ray_samples, render_occupancy_rays, render_occupancy_samples
from projects.rendering.bins import jitter_samples, uniform_samples
from projects.rendering.voxel.torch import mean_offset

GRID = VoxelGrid([-4.0, -4.0, -1.6, 4.0, 4.0, 1.6], [20, 20, 8])


def test_depth_and_weights_in_one_voxel_by_hand(backend):
    # One voxel from x = 1 to x = 2 with density 3 per metre, seen from x = 0 along x.
    grid = VoxelGrid([0.0, 0.0, 0.0, 4.0, 1.0, 1.0], [4, 1, 1])
    logits = torch.full((1, 4, 1, 1, 3), 40.0, dtype=torch.float64)
    logits[0, 1, 0, 0] = torch.tensor([7.0, -2.0, -math.log(math.exp(3.0) - 1)], dtype=torch.float64)
    rays = torch.tensor([[[0.0, 0.5, 0.5]]]), torch.tensor([[[1.0, 0.0, 0.0]]])
    rendered = render_occupancy_rays(logits, *(r.double() for r in rays), grid, (0.0, 4.0), 1.5, field='voxel')
    opacity = 1 - math.exp(-3.0)
    # Integral of t 3 exp(-3 (t - 1)) from 1 to 2; the bin edge at 1.5 splits the weight.
    depth = 1.0 - 2.0 * math.exp(-3.0) + opacity / 3.0
    assert rendered.opacities.item() == pytest.approx(opacity, rel=1e-9)
    assert rendered.depths.item() == pytest.approx(depth, rel=1e-9)
    first = 1 - math.exp(-1.5)
    assert rendered.weights[0, 0].tolist() == pytest.approx([first, opacity - first, 0.0], abs=1e-9)
    assert rendered.semantics[0, 0].tolist() == pytest.approx([7 * opacity, -2 * opacity], rel=1e-9)


def fine_depth(logits, rays_o, rays_d, steps=60000, t_max=12.0):
    """Depth by nearest lookup at small steps, without the grid's own traversal."""
    edges = torch.linspace(0, t_max, steps + 1, dtype=torch.float64)
    t = 0.5 * (edges[1:] + edges[:-1])
    points = rays_o[:, None] + t[:, None] * rays_d[:, None]
    cell = ((points - torch.tensor(GRID.lower)) / torch.tensor(GRID.voxel_size)).floor().long()
    inside = ((cell >= 0) & (cell < torch.tensor(GRID.shape))).all(-1)
    cell = cell.clamp_min(0).minimum(torch.tensor(GRID.shape) - 1)
    free = logits[0, cell[..., 0], cell[..., 1], cell[..., 2], -1].double()
    sigma = torch.log1p(torch.exp(-free)) * inside * rays_d.norm(dim=-1, keepdim=True)
    tau = (sigma * (edges[1] - edges[0])).cumsum(-1)
    trans = torch.exp(-torch.cat([torch.zeros_like(tau[:, :1]), tau], 1))
    return ((trans[:, :-1] - trans[:, 1:]) * t).sum(-1)


def test_depth_is_within_a_millimetre_of_fine_numerical_integration(backend, make_rays):
    torch.manual_seed(0)
    logits = 3 * torch.randn(1, 20, 20, 8, 4)
    rays_o, rays_d = make_rays(1, 24, dtype=torch.float64)
    rendered = render_occupancy_rays(
        logits, rays_o.float(), rays_d.float(), GRID, (0.0, 12.0), 0.5, field='voxel', with_weights=False
    )
    expected = fine_depth(logits, rays_o[0].float().double(), rays_d[0].float().double())
    assert expected.max() > 1
    assert torch.allclose(rendered.depths[0].double(), expected, atol=1e-3)
    assert rendered.weights.shape == (1, 24, 0)


@pytest.mark.parametrize('density', ['softplus_free', 'log_odds', 'prob'])
def test_gradients(backend, density):
    grid = VoxelGrid([0, 0, 0, 2, 2, 1], [4, 3, 2])
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    rays_o = torch.rand(2, 3, 3, dtype=torch.float64)
    rays_d = torch.randn(2, 3, 3, dtype=torch.float64)
    edges = uniform_samples((0.0, 1.5), 0.3, dtype=torch.float64)
    samples = prepare_ray_samples(rays_o, rays_d, grid, *edges, field='voxel')

    def render(values):
        rendered = render_occupancy_samples(values, samples, density=density, semantics_threshold=0.0)
        return rendered.weights, rendered.depths, rendered.semantics, rendered.opacities

    assert torch.autograd.gradcheck(render, logits)


def test_both_back_ends_and_unpacked_samples_agree(monkeypatch, make_rays):
    pytest.importorskip('numba')
    torch.manual_seed(0)
    logits = torch.randn(2, 20, 20, 8, 4, dtype=torch.float64)
    rays = make_rays(2, 40, dtype=torch.float64)
    edges = uniform_samples((0.0, 9.0), 0.3, dtype=torch.float64)
    results = []
    for numba, packed in (('1', True), ('0', True), ('0', False)):
        monkeypatch.setenv('GEODISTILL_NUMBA', numba)
        samples = prepare_ray_samples(*rays, GRID, *edges, packed=packed, field='voxel')
        results.append(render_occupancy_samples(logits, samples, density='log_odds').as_dict())
    for other in results[1:]:
        assert all(torch.allclose(value, other[name], atol=1e-9) for name, value in results[0].items())


def test_weights_of_any_bins_add_up_to_those_of_finer_bins(backend, make_rays):
    # The weight of a bin is what is left of the ray at one edge minus what is left at the next, wherever voxels end.
    torch.manual_seed(0)
    logits = torch.randn(1, 20, 20, 8, 4, dtype=torch.float64)
    rays = make_rays(1, 30, dtype=torch.float64)
    coarse = render_occupancy_rays(logits, *rays, GRID, (0.0, 9.0), 1.5, field='voxel')
    fine = render_occupancy_rays(logits, *rays, GRID, (0.0, 9.0), 0.0625, field='voxel')
    assert torch.allclose(coarse.weights, fine.weights.unflatten(-1, (6, 24)).sum(-1), atol=1e-7)
    assert torch.allclose(coarse.weights.sum(-1), coarse.opacities, atol=1e-7)
    assert torch.allclose(coarse.depths, fine.depths, atol=1e-9)


def test_gradient_bits_do_not_depend_on_the_number_of_threads(make_rays):
    pytest.importorskip('numba')
    torch.manual_seed(0)
    logits = torch.randn(1, 20, 20, 8, 4, requires_grad=True)
    samples = prepare_ray_samples(*make_rays(1, 60), GRID, *uniform_samples((0.0, 9.0), 0.3), field='voxel')
    threads, grads = torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            rendered = render_occupancy_samples(logits, samples)
            loss = rendered.weights.square().sum() + rendered.semantics.square().sum() + rendered.depths.sum()
            grads.append(torch.autograd.grad(loss, logits)[0])
    finally:
        torch.set_num_threads(threads)
    assert grads[0].abs().max() > 0
    assert torch.equal(*grads)


def test_jittered_bins_and_opaque_voxels_agree_between_back_ends(monkeypatch, make_rays):
    pytest.importorskip('numba')
    torch.manual_seed(0)
    logits = 50 * torch.randn(1, 20, 20, 8, 4, dtype=torch.float64)
    rays = make_rays(1, 40, dtype=torch.float64)
    edges = jitter_samples(*uniform_samples((0.0, 9.0), 0.3, dtype=torch.float64), 40)
    results = []
    for numba in '10':
        monkeypatch.setenv('GEODISTILL_NUMBA', numba)
        leaf = logits.clone().requires_grad_()
        rendered = render_occupancy_samples(leaf, prepare_ray_samples(*rays, GRID, *edges, field='voxel'))
        loss = (rendered.weights * torch.arange(30)).sum() + rendered.depths.sum() + rendered.semantics.sum()
        results.append((rendered.weights, rendered.depths, *torch.autograd.grad(loss, leaf)))
    assert all(torch.allclose(mine, theirs, atol=1e-6) for mine, theirs in zip(*results))


def test_constant_logits_render_as_the_trilinear_field(backend, make_rays):
    logits = torch.tensor([0.5, -1.0, 0.7]).expand(1, 20, 20, 8, 3)
    rays = make_rays(1, 30)
    exact = render_occupancy_rays(logits, *rays, GRID, (0.0, 8.0), 0.02, field='voxel')
    marched = render_occupancy_rays(logits, *rays, GRID, (0.0, 8.0), 0.02)
    assert torch.allclose(exact.semantics, marched.semantics, atol=0.05)
    assert torch.allclose(exact.depths, marched.depths, atol=0.05)
    assert exact.opacities.max() > 0.5


def test_mean_offset_is_smooth_where_the_series_begins():
    s = torch.linspace(0, 3, 3001, dtype=torch.float64)
    expected = -torch.expm1(-s) / s.clamp_min(1e-30) - torch.exp(-s)
    assert torch.allclose(mean_offset(s)[5:], expected[5:], atol=1e-10)
    assert mean_offset(s)[0] == 0
