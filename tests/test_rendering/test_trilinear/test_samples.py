import math

import pytest
import torch

from projects.rendering import VoxelGrid, jitter_samples, prepare_ray_samples, uniform_samples


def test_samples_sit_where_the_ray_says(backend, small_grid, make_rays):
    rays_o, rays_d = make_rays(2, 40)
    t_starts, t_ends = uniform_samples((0.0, 8.0), 0.3)
    samples = prepare_ray_samples(rays_o, rays_d, small_grid, t_starts, t_ends)
    num_samples = len(t_starts)
    ray, bin_index = samples.sample_index // num_samples, samples.sample_index % num_samples
    t = (0.5 * (t_starts + t_ends))[bin_index]
    points = rays_o.reshape(-1, 3)[ray] + t[:, None] * rays_d.reshape(-1, 3)[ray]
    coords = small_grid.world_to_voxel(points)
    upper = torch.tensor(small_grid.shape) - 1
    expected = torch.minimum(coords.clamp_min(0), upper)
    base = samples.sample_base - (ray // 40).int() * math.prod(small_grid.shape)
    cell = torch.stack([base // 20, base // 4 % 5, base % 4], dim=1)
    assert torch.allclose(cell + samples.sample_frac, expected, atol=1e-4)
    # Every sample inside is there, and none outside.
    everything = rays_o[..., None, :] + (0.5 * (t_starts + t_ends))[:, None] * rays_d[..., None, :]
    inside = small_grid.contains(everything).flatten()
    assert torch.equal(inside.nonzero().squeeze(1), samples.sample_index)
    assert torch.equal(samples.ray_offsets.diff(), inside.view(80, -1).sum(dim=1))


@pytest.mark.parametrize('align_corners', [False, True])
def test_numba_and_torch_prepare_the_same(monkeypatch, small_grid, make_rays, align_corners):
    pytest.importorskip('numba')
    rays_o, rays_d = make_rays(2, 50, seed=1)
    t = jitter_samples(*uniform_samples((0.0, 6.0), 0.25), 100)
    prepared = []
    for flag in ('1', '0'):
        monkeypatch.setenv('GEODISTILL_NUMBA', flag)
        prepared.append(prepare_ray_samples(rays_o, rays_d, small_grid, *t, align_corners))
    for name, value in vars(prepared[0]).items():
        if name == 'sample_frac':
            assert torch.allclose(value, getattr(prepared[1], name), atol=1e-4)
        elif value is not None:
            assert torch.equal(value, getattr(prepared[1], name)), name


def test_unpacked_samples_mark_the_packed_ones(small_grid, make_rays):
    rays_o, rays_d = make_rays(1, 30)
    t = uniform_samples((0.0, 6.0), 0.25)
    packed = prepare_ray_samples(rays_o, rays_d, small_grid, *t)
    everything = prepare_ray_samples(rays_o, rays_d, small_grid, *t, packed=False)
    assert len(everything.sample_index) == 30 * 24
    assert torch.equal(everything.sample_inside.nonzero().squeeze(1), packed.sample_index)
    assert torch.equal(everything.sample_base[everything.sample_inside], packed.sample_base)


def test_rays_that_miss_have_no_samples(backend):
    grid = VoxelGrid([0, 0, 0, 1, 1, 1], [2, 2, 2])
    samples = prepare_ray_samples(
        torch.full((1, 3, 3), 5.0), torch.ones(1, 3, 3), grid, *uniform_samples((0.0, 2.0), 0.5)
    )
    assert len(samples.sample_index) == 0
    assert samples.ray_offsets.tolist() == [0, 0, 0, 0]
