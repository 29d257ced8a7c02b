"""What both fields prepare alike."""

import pytest
import torch

from projects.rendering import prepare_ray_samples, uniform_samples
from projects.rendering.trilinear.samples import TrilinearSamples
from projects.rendering.voxel.pieces import VoxelPieces


def test_each_field_has_what_it_reads_and_no_more(backend, small_grid, make_rays):
    line = (*make_rays(1, 30), small_grid, *uniform_samples((0.0, 6.0), 0.25))
    samples, pieces = prepare_ray_samples(*line), prepare_ray_samples(*line, field='voxel')
    shared = {'t_starts', 't_ends', 'ray_lengths', 'ray_offsets', 'grid_shape'}
    assert isinstance(samples, TrilinearSamples)
    assert set(vars(samples)) == shared | {'sample_index', 'sample_base', 'sample_frac', 'sample_inside'}
    assert isinstance(pieces, VoxelPieces)
    assert set(vars(pieces)) == shared | {'piece_voxel', 'piece_span', 'packed'}


def test_ray_lengths_are_metres_per_ray_parameter(small_grid):
    samples = prepare_ray_samples(
        torch.zeros(1, 1, 3), torch.tensor([[[2.0, 1.0, 2.0]]]), small_grid, *uniform_samples((0.0, 1.0), 0.5)
    )
    assert samples.ray_lengths.tolist() == [[3.0]]


def test_wrong_shapes_are_named(small_grid):
    t = uniform_samples((0.0, 2.0), 0.5)
    with pytest.raises(ValueError, match='rays_o and rays_d must be'):
        prepare_ray_samples(torch.zeros(3, 3), torch.zeros(3, 3), small_grid, *t)
    with pytest.raises(ValueError, match='t_starts and t_ends must be'):
        prepare_ray_samples(
            torch.zeros(1, 3, 3), torch.zeros(1, 3, 3), small_grid, torch.zeros(2, 4), torch.zeros(2, 4)
        )


def test_unknown_field_is_named(small_grid, make_rays):
    with pytest.raises(ValueError, match="'nearest'"):
        prepare_ray_samples(*make_rays(1, 2), small_grid, *uniform_samples((0.0, 2.0), 0.5), field='nearest')
