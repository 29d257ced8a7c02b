import math

import pytest
import torch

from projects.rendering import (
    VoxelGrid,
    median_depths,
    prepare_ray_samples,
    render_occupancy_rays,
    render_occupancy_samples,
    uniform_samples,
)

GRID = VoxelGrid([-4.0, -4.0, -1.6, 4.0, 4.0, 1.6], [20, 20, 8])


def logits_of(occupied, strength=10.0):
    """Two classes and free, as logits of +-strength. Occupied voxels have class 0."""
    logits = torch.full((*occupied.shape, 3), -strength)
    logits[..., 0][occupied] = strength
    logits[..., 2][~occupied] = strength
    return logits[None]


def forward_ray(length=1.0):
    return torch.tensor([[[-3.9, 0.2, 0.2]]]), torch.tensor([[[length, 0.0, 0.0]]])


def test_empty_grid_gives_no_weight(backend):
    rendered = render_occupancy_rays(
        logits_of(torch.zeros(20, 20, 8, dtype=torch.bool), 60.0), *forward_ray(), GRID, (0.0, 10.0)
    )
    assert rendered.weights.abs().max() < 1e-6
    assert rendered.opacities.abs().max() < 1e-6
    assert rendered.semantics.abs().max() == 0


def test_opaque_voxel_gives_its_near_face_depth_within_a_step(backend):
    occupied = torch.zeros(20, 20, 8, dtype=torch.bool)
    occupied[15:18] = True
    rays_o, rays_d = forward_ray()
    rendered = render_occupancy_rays(logits_of(occupied, 1000.0), rays_o, rays_d, GRID, (0.0, 10.0), 0.1)
    near_face = -4.0 + 15 * 0.4 - (-3.9)
    assert rendered.opacities.item() == pytest.approx(1.0, abs=1e-5)
    assert rendered.depths.item() == pytest.approx(near_face, abs=0.1)
    assert median_depths(rendered.weights, *uniform_samples((0.0, 10.0), 0.1)).item() == pytest.approx(
        near_face, abs=0.1
    )


@pytest.mark.parametrize('length', [1.0, 1.7])
def test_constant_density_gives_one_minus_exp_of_minus_sigma_l(backend, length):
    sigma = 0.3
    logits = torch.zeros(1, 20, 20, 8, 3)
    logits[..., 2] = -math.log(math.expm1(sigma))  # softplus(-logit) = sigma
    rays_o, rays_d = forward_ray(length)
    rendered = render_occupancy_rays(logits, rays_o, rays_d, GRID, (0.0, 2.0), 0.1)
    # The path in metres is the range of ray parameter times the length of the direction.
    assert rendered.opacities.item() == pytest.approx(1 - math.exp(-sigma * 2.0 * length), rel=1e-5)


def test_prob_density_ends_with_the_occupied_probability_per_voxel(backend):
    logits = torch.zeros(1, 20, 20, 8, 3)  # p(free) = 1/3 everywhere
    rendered = render_occupancy_rays(logits, *forward_ray(), GRID, (0.0, 0.4), 0.1, density='prob')
    assert rendered.opacities.item() == pytest.approx(2 / 3, rel=1e-4)


def test_log_odds_density_is_softplus_of_the_occupied_log_odds(backend):
    logits = torch.zeros(1, 20, 20, 8, 3)  # two occupied classes and free: log-odds of occupied = log 2
    rendered = render_occupancy_rays(logits, *forward_ray(), GRID, (0.0, 1.0), 0.1, density='log_odds')
    # softplus(log 2) = log 3 per metre, over one metre.
    assert rendered.opacities.item() == pytest.approx(2 / 3, rel=1e-4)


@pytest.mark.parametrize('density', ['log_odds', 'prob'])
def test_a_constant_on_all_logits_of_a_voxel_changes_no_weight(backend, make_rays, density):
    torch.manual_seed(0)
    logits = torch.randn(1, 20, 20, 8, 4)
    shifted = logits + 5 * torch.randn(1, 20, 20, 8, 1)
    first, second = (
        render_occupancy_rays(volume, *make_rays(1, 20), GRID, (0.0, 8.0), density=density).weights
        for volume in (logits, shifted)
    )
    assert torch.allclose(first, second, atol=1e-5)


def test_density_scale_multiplies_the_density(backend):
    logits = torch.zeros(1, 20, 20, 8, 3)
    rendered = render_occupancy_rays(logits, *forward_ray(), GRID, (0.0, 1.0), 0.1, density_scale=3.0)
    assert rendered.opacities.item() == pytest.approx(1 - 2.0**-3, rel=1e-5)


def test_density_is_zero_outside_the_grid(backend):
    logits = torch.full((1, 20, 20, 8, 3), -5.0)
    rays_o = torch.tensor([[[-6.0, 0.2, 0.2], [0.0, 0.0, 3.0]]])
    rays_d = torch.tensor([[[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]])
    weights = render_occupancy_rays(logits, rays_o, rays_d, GRID, (0.0, 10.0), 0.5).weights
    assert weights[0, 0, :4].abs().max() == 0
    assert weights[0, 0, 4] > 0.9
    assert weights[0, 1].abs().max() == 0


def test_semantics_are_the_weighted_raw_logits_without_free(backend):
    torch.manual_seed(0)
    logits = torch.zeros(1, 20, 20, 8, 3)
    logits[..., 0], logits[..., 1] = 2.0, -1.0
    rendered = render_occupancy_rays(logits, *forward_ray(), GRID, (0.0, 3.0), 0.1, semantics_threshold=0.0)
    opacity = rendered.opacities.item()
    assert rendered.semantics[0, 0].tolist() == pytest.approx([2.0 * opacity, -opacity], rel=1e-5)


def test_semantics_threshold_never_touches_the_weights(backend, make_rays):
    torch.manual_seed(0)
    logits = torch.randn(1, 20, 20, 8, 3)
    rays_o, rays_d = make_rays(1, 30)
    exact = render_occupancy_rays(logits, rays_o, rays_d, GRID, (0.0, 8.0), semantics_threshold=0.0)
    cut = render_occupancy_rays(logits, rays_o, rays_d, GRID, (0.0, 8.0), semantics_threshold=0.05)
    assert torch.equal(exact.weights, cut.weights)
    assert torch.equal(exact.depths, cut.depths)
    assert not torch.allclose(exact.semantics, cut.semantics)


def reference_render(logits, rays_o, rays_d, t_starts, t_ends):
    """Dense and slow: grid_sample at every sample, then the textbook product of transmittances."""
    lower, upper = torch.tensor(GRID.lower).to(logits), torch.tensor(GRID.upper).to(logits)
    t = 0.5 * (t_starts + t_ends)
    points = rays_o[:, :, None] + t[:, None] * rays_d[:, :, None]
    unit = ((points - lower) / (upper - lower) * 2 - 1).flip(-1)
    values = torch.nn.functional.grid_sample(
        logits.permute(0, 4, 1, 2, 3), unit[:, :, :, None], padding_mode='border', align_corners=False
    )[..., 0].permute(0, 2, 3, 1)
    inside = ((points >= lower) & (points < upper)).all(dim=-1)
    sigmas = torch.log1p(torch.exp(-values[..., -1])) * inside
    alphas = 1 - torch.exp(-sigmas * (t_ends - t_starts) * rays_d.norm(dim=-1, keepdim=True))
    before = torch.cat([torch.ones_like(alphas[..., :1]), torch.cumprod(1 - alphas, dim=-1)[..., :-1]], dim=-1)
    weights = before * alphas
    return weights, (weights * t).sum(-1), (weights[..., None] * values[..., :-1]).sum(-2), weights.sum(-1)


@pytest.mark.parametrize('packed', [True, False])
def test_rendering_equals_a_dense_grid_sample_reference_with_gradients(backend, make_rays, packed):
    torch.manual_seed(0)
    logits = torch.randn(2, 20, 20, 8, 4, dtype=torch.float64, requires_grad=True)
    rays_o, rays_d = make_rays(2, 25, seed=3, dtype=torch.float64)
    t = uniform_samples((0.0, 9.0), 0.3, dtype=torch.float64)
    samples = prepare_ray_samples(rays_o, rays_d, GRID, *t, packed=packed)
    rendered = render_occupancy_samples(logits, samples, semantics_threshold=0.0)
    actual = (rendered.weights, rendered.depths, rendered.semantics, rendered.opacities)
    expected = reference_render(logits, rays_o, rays_d, *t)
    scales = [torch.randn_like(part) for part in expected]
    grad, expected_grad = (
        torch.autograd.grad(sum((part * scale).sum() for part, scale in zip(parts, scales)), logits)[0]
        for parts in (actual, expected)
    )
    for part, other in zip(actual, expected):
        assert torch.allclose(part, other, atol=1e-7)
    assert torch.allclose(grad, expected_grad, atol=1e-6)


@pytest.mark.parametrize('density', ['softplus_free', 'log_odds', 'prob'])
def test_rendering_gradients(backend, density):
    grid = VoxelGrid([0, 0, 0, 2, 2, 1], [4, 3, 2])
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    rays_o = torch.rand(2, 3, 3, dtype=torch.float64)
    rays_d = torch.randn(2, 3, 3, dtype=torch.float64)
    samples = prepare_ray_samples(rays_o, rays_d, grid, *uniform_samples((0.0, 1.5), 0.3, dtype=torch.float64))

    def render(values):
        rendered = render_occupancy_samples(values, samples, density=density, semantics_threshold=0.0)
        return rendered.weights, rendered.depths, rendered.semantics, rendered.opacities

    assert torch.autograd.gradcheck(render, logits)


def test_gradient_bits_do_not_depend_on_the_number_of_threads(make_rays):
    pytest.importorskip('numba')
    torch.manual_seed(0)
    logits = torch.randn(1, 20, 20, 8, 4, requires_grad=True)
    samples = prepare_ray_samples(*make_rays(1, 60), GRID, *uniform_samples((0.0, 9.0), 0.3))
    threads = torch.get_num_threads()
    grads = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            rendered = render_occupancy_samples(logits, samples)
            loss = rendered.weights.square().sum() + rendered.semantics.square().sum()
            grads.append(torch.autograd.grad(loss, logits)[0])
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(grads[0], grads[1])
    assert torch.equal(grads[0], grads[2])


def test_half_precision_logits_render_in_float32_under_autocast(backend, make_rays):
    torch.manual_seed(0)
    logits = torch.randn(1, 20, 20, 8, 4).bfloat16().requires_grad_()
    rays_o, rays_d = make_rays(1, 20)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rendered = render_occupancy_rays(logits, rays_o, rays_d, GRID, (0.0, 8.0))
        (rendered.weights.square().sum() + rendered.semantics.sum()).backward()
    exact = render_occupancy_rays(logits.detach().float(), rays_o, rays_d, GRID, (0.0, 8.0))
    assert rendered.weights.dtype == rendered.semantics.dtype == torch.float32
    assert torch.equal(rendered.weights, exact.weights)
    assert logits.grad.dtype == torch.bfloat16
    assert logits.grad.abs().sum() > 0


@pytest.mark.parametrize('density', ['softplus_free', 'log_odds', 'prob'])
@pytest.mark.parametrize('field', ['trilinear', 'voxel'])
def test_bfloat16_logits_render_to_the_bits_of_their_float32_copy(backend, field, density, make_rays):
    torch.manual_seed(0)
    half = torch.randn(1, 20, 20, 8, 18).bfloat16().requires_grad_()
    copy = half.detach().float().requires_grad_()
    half_render, copy_render = (
        render_occupancy_rays(logits, *make_rays(1, 60), GRID, (0.0, 8.0), field=field, density=density).as_dict()
        for logits in (half, copy)
    )
    for name, values in half_render.items():
        assert values.dtype == torch.float32
        assert torch.equal(values, copy_render[name]), name
    for render in (half_render, copy_render):
        sum(values.square().sum() for values in render.values()).backward()
    assert copy.grad.abs().max() > 1
    assert torch.equal(half.grad, copy.grad.bfloat16())


@pytest.mark.parametrize('field', ['trilinear', 'voxel'])
def test_nan_in_bfloat16_logits_is_nan_in_the_gradients_of_the_same_voxels(backend, field, make_rays):
    torch.manual_seed(0)
    half = torch.randn(1, 20, 20, 8, 18).bfloat16()
    half[0, 10, 10, 4] = float('nan')
    half.requires_grad_()
    copy = half.detach().float().requires_grad_()
    for logits in (half, copy):
        rendered = render_occupancy_rays(logits, *make_rays(1, 200), GRID, (0.0, 8.0), field=field, density='log_odds')
        rendered.depths.sum().backward()
    assert 0 < copy.grad.isnan().sum() < copy.grad.numel() // 10
    assert torch.equal(half.grad.isnan(), copy.grad.isnan())


@pytest.mark.parametrize('field', ['trilinear', 'voxel'])
def test_backward_pass_computes_in_float32_under_autocast(backend, field, make_rays):
    torch.manual_seed(0)
    values = torch.randn(1, 20, 20, 8, 4)
    grads = []
    for enabled in (False, True):
        logits = values.clone().requires_grad_()
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=enabled):
            rendered = render_occupancy_rays(logits, *make_rays(1, 20), GRID, (0.0, 8.0), field=field)
            (rendered.weights.square().sum() + rendered.semantics.square().sum()).backward()
        grads.append(logits.grad)
    assert torch.equal(*grads)


def test_logits_may_be_a_channel_first_view(backend, make_rays):
    torch.manual_seed(0)
    stored = torch.randn(1, 4, 20, 20, 8)
    rays_o, rays_d = make_rays(1, 10)
    view = render_occupancy_rays(stored.permute(0, 2, 3, 4, 1), rays_o, rays_d, GRID, (0.0, 8.0))
    copy = render_occupancy_rays(stored.permute(0, 2, 3, 4, 1).contiguous(), rays_o, rays_d, GRID, (0.0, 8.0))
    assert torch.equal(view.semantics, copy.semantics)


def test_chunks_change_nothing(backend, make_rays):
    torch.manual_seed(0)
    logits = torch.randn(2, 20, 20, 8, 3)
    rays_o, rays_d = make_rays(2, 23)
    whole = render_occupancy_rays(logits, rays_o, rays_d, GRID, (0.0, 8.0))
    parts = render_occupancy_rays(logits, rays_o, rays_d, GRID, (0.0, 8.0), chunk=5)
    assert all(torch.allclose(value, parts.as_dict()[name]) for name, value in whole.as_dict().items())


def test_nan_logits_reach_the_result(backend):
    logits = torch.full((1, 20, 20, 8, 3), float('nan'))
    rendered = render_occupancy_rays(logits, *forward_ray(), GRID, (0.0, 3.0))
    assert rendered.opacities.isnan().all()


def test_misfits_are_named(make_rays):
    samples = prepare_ray_samples(*make_rays(1, 4), GRID, *uniform_samples((0.0, 2.0), 0.5))
    with pytest.raises(ValueError, match='prepared for a grid'):
        render_occupancy_samples(torch.zeros(1, 20, 8, 20, 3), samples)
    with pytest.raises(ValueError, match='with B = 1'):
        render_occupancy_samples(torch.zeros(2, 20, 20, 8, 3), samples)
    with pytest.raises(ValueError, match='density must be one of'):
        render_occupancy_samples(torch.zeros(1, 20, 20, 8, 3), samples, density='nerf')
