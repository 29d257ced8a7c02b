import math

import pytest
import torch

from projects.rendering import (
    RaySamples,
    VoxelGrid,
    jitter_samples,
    prepare_ray_samples,
    ray_box_intersection,
    uniform_samples,
)


def test_default_samples_are_those_of_the_author_code():
    t_starts, t_ends = uniform_samples()
    assert t_starts.shape == (287,)
    assert t_starts[0] == 0
    assert t_ends[-1] == pytest.approx(57.4, abs=1e-4)
    assert torch.equal(t_starts[1:], t_ends[:-1])


@pytest.mark.parametrize(('t_range', 'step'), [((0.0, 10.0), 0.0), ((5.0, 5.0), 0.2)])
def test_empty_ranges_are_rejected(t_range, step):
    with pytest.raises(ValueError, match='step'):
        uniform_samples(t_range, step)


def test_jittered_samples_stay_adjacent_and_move_by_half_a_step_at_most():
    torch.manual_seed(0)
    t_starts, t_ends = uniform_samples((0.0, 2.0), 0.5)
    starts, ends = jitter_samples(t_starts, t_ends, 100)
    assert starts.shape == (100, 4)
    assert torch.allclose(starts[:, 1:], ends[:, :-1])
    assert (starts - t_starts).abs().max() <= 0.25
    assert (starts - t_starts).std() > 0.1


def test_box_intersection_by_hand(small_grid):
    rays_o = torch.tensor([[-5.0, 0.0, 0.0], [0.0, 0.0, 0.0], [-5.0, 9.0, 0.0], [0.0, 0.0, 5.0]])
    rays_d = torch.tensor([[2.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    near, far = ray_box_intersection(rays_o, rays_d, small_grid)
    assert near[[0, 1, 3]].tolist() == [1.0, -3.0, 4.0]
    assert far[[0, 1, 3]].tolist() == [4.0, 3.0, 6.0]
    assert near[2] >= far[2]


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
        prepared.append(prepare_ray_samples(rays_o, rays_d, small_grid, *t, align_corners).as_dict())
    for name, value in prepared[0].items():
        if name == 'sample_frac':
            assert torch.allclose(value, prepared[1][name], atol=1e-4)
        else:
            assert torch.equal(value, prepared[1][name]), name


def test_unpacked_samples_mark_the_packed_ones(small_grid, make_rays):
    rays_o, rays_d = make_rays(1, 30)
    t = uniform_samples((0.0, 6.0), 0.25)
    packed = prepare_ray_samples(rays_o, rays_d, small_grid, *t)
    everything = prepare_ray_samples(rays_o, rays_d, small_grid, *t, packed=False)
    assert len(everything.sample_index) == 30 * 24
    assert torch.equal(everything.sample_inside.nonzero().squeeze(1), packed.sample_index)
    assert torch.equal(everything.sample_base[everything.sample_inside], packed.sample_base)


def test_ray_lengths_are_metres_per_ray_parameter(small_grid):
    samples = prepare_ray_samples(
        torch.zeros(1, 1, 3), torch.tensor([[[2.0, 1.0, 2.0]]]), small_grid, *uniform_samples((0.0, 1.0), 0.5)
    )
    assert samples.ray_lengths.tolist() == [[3.0]]


def test_samples_survive_the_way_through_a_dict(small_grid, make_rays):
    samples = prepare_ray_samples(*make_rays(1, 5), small_grid, *uniform_samples((0.0, 2.0), 0.5))
    again = RaySamples.from_dict({**samples.as_dict(), 'pixels': torch.zeros(1)})
    assert all(torch.equal(value, again.as_dict()[name]) for name, value in samples.as_dict().items())
    with pytest.raises(KeyError, match='sample_base'):
        RaySamples.from_dict({'t_starts': samples.t_starts})


def test_wrong_shapes_are_named(small_grid):
    t = uniform_samples((0.0, 2.0), 0.5)
    with pytest.raises(ValueError, match='rays_o and rays_d must be'):
        prepare_ray_samples(torch.zeros(3, 3), torch.zeros(3, 3), small_grid, *t)
    with pytest.raises(ValueError, match='t_starts and t_ends must be'):
        prepare_ray_samples(
            torch.zeros(1, 3, 3), torch.zeros(1, 3, 3), small_grid, torch.zeros(2, 4), torch.zeros(2, 4)
        )


def test_rays_that_miss_have_no_samples(backend):
    grid = VoxelGrid([0, 0, 0, 1, 1, 1], [2, 2, 2])
    samples = prepare_ray_samples(
        torch.full((1, 3, 3), 5.0), torch.ones(1, 3, 3), grid, *uniform_samples((0.0, 2.0), 0.5)
    )
    assert len(samples.sample_index) == 0
    assert samples.ray_offsets.tolist() == [0, 0, 0, 0]
