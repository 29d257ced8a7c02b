import itertools
import math

import numpy as np
import pytest
import torch

from projects.rendering import VoxelGrid, find_first_hits


def slow_first_hit(occupied, origin, direction, grid, t_min=0.0, t_max=math.inf):
    """Oracle: sort all crossings of voxel planes and look at the middle of each interval."""
    lower, size = np.array(grid.lower), np.array(grid.voxel_size)
    crossings = [t_min]
    for axis in range(3):
        if direction[axis] != 0:
            planes = lower[axis] + size[axis] * np.arange(grid.shape[axis] + 1)
            crossings.extend((planes - origin[axis]) / direction[axis])
    crossings = np.unique([t for t in crossings if t >= t_min])
    for start, end in itertools.pairwise(crossings):
        if end - start < 1e-9 or start >= t_max:
            continue
        cell = np.floor((origin + 0.5 * (start + end) * direction - lower) / size).astype(int)
        if (cell >= 0).all() and (cell < grid.shape).all() and occupied[tuple(cell)]:
            return tuple(cell), start, end
    return None


def test_first_hits_agree_with_the_oracle(backend, small_grid, make_rays):
    torch.manual_seed(0)
    occupied = torch.rand(small_grid.shape) < 0.2
    rays_o, rays_d = make_rays(1, 300, seed=2, dtype=torch.float64)
    hits = find_first_hits(occupied, rays_o[0], rays_d[0], small_grid)
    assert 0.15 < hits.hit.float().mean() < 0.9
    for ray in range(300):
        expected = slow_first_hit(occupied.numpy(), rays_o[0, ray].numpy(), rays_d[0, ray].numpy(), small_grid)
        assert hits.hit[ray] == (expected is not None)
        if expected is not None:
            assert tuple(hits.voxel[ray].tolist()) == expected[0]
            assert hits.t_entry[ray].item() == pytest.approx(expected[1], abs=1e-9)
            assert hits.t_exit[ray].item() == pytest.approx(expected[2], abs=1e-9)


def test_hit_by_hand(backend):
    grid = VoxelGrid([0, 0, 0, 4, 1, 1], [4, 1, 1])
    occupied = torch.tensor([False, False, True, True]).view(4, 1, 1)
    hits = find_first_hits(
        occupied, torch.tensor([[-1.0, 0.5, 0.5], [5.0, 0.5, 0.5]]), torch.tensor([[2.0, 0, 0], [-1.0, 0, 0]]), grid
    )
    assert hits.voxel.tolist() == [[2, 0, 0], [3, 0, 0]]
    assert hits.t_entry.tolist() == [1.5, 1.0]
    assert hits.t_exit.tolist() == [2.0, 2.0]


def test_a_ray_that_starts_inside_a_voxel_hits_it_at_once(backend, small_grid):
    occupied = torch.ones(small_grid.shape, dtype=torch.bool)
    hits = find_first_hits(occupied, torch.tensor([[0.5, 0.5, 0.25]]), torch.tensor([[1.0, 0.0, 0.0]]), small_grid)
    assert hits.t_entry.item() == 0
    assert hits.t_exit.item() == pytest.approx(0.5)


def test_range_of_the_ray_parameter_is_respected(backend):
    grid = VoxelGrid([0, 0, 0, 4, 1, 1], [4, 1, 1])
    occupied = torch.tensor([True, False, False, True]).view(4, 1, 1)
    origin, direction = torch.tensor([[-1.0, 0.5, 0.5]]), torch.tensor([[1.0, 0.0, 0.0]])
    assert find_first_hits(occupied, origin, direction, grid, t_min=2.5).voxel.tolist() == [[3, 0, 0]]
    late = find_first_hits(occupied, origin, direction, grid, t_min=2.5, t_max=3.9)
    assert not late.hit.item()
    assert late.voxel.tolist() == [[-1, -1, -1]]
    assert late.t_entry.item() == math.inf


def test_rays_beside_the_grid_and_empty_grids_hit_nothing(backend, small_grid):
    full = torch.ones(small_grid.shape, dtype=torch.bool)
    origin, direction = torch.tensor([[9.0, 9.0, 9.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    assert not find_first_hits(full, origin, direction, small_grid).hit.any()
    assert not find_first_hits(~full, torch.zeros(1, 3), direction, small_grid).hit.any()


def test_wrong_volume_is_named(small_grid):
    with pytest.raises(ValueError, match='occupied must be'):
        find_first_hits(torch.zeros(6, 5, 4), torch.zeros(1, 3), torch.ones(1, 3), small_grid)
    with pytest.raises(ValueError, match='rays_o and rays_d'):
        find_first_hits(torch.zeros(6, 5, 4, dtype=torch.bool), torch.zeros(3), torch.ones(3), small_grid)
