import pytest
import torch
import torch.nn.functional as F

from projects.rendering import VoxelGrid, lookup_trilinear
from projects.rendering.trilinear.lookup import corner_offsets, corner_weights, locate_cells, lookup_scalar


def test_lookup_at_a_centre_gives_the_voxel_and_between_two_the_mean(small_grid):
    volume = torch.randn(1, 6, 5, 4, 3)
    centers = small_grid.voxel_centers()
    at = torch.stack([centers[2, 3, 1], 0.5 * (centers[2, 3, 1] + centers[3, 3, 1])])[None]
    values = lookup_trilinear(volume, at, small_grid)[0]
    assert torch.allclose(values[0], volume[0, 2, 3, 1], atol=1e-5)
    assert torch.allclose(values[1], 0.5 * (volume[0, 2, 3, 1] + volume[0, 3, 3, 1]), atol=1e-5)


@pytest.mark.parametrize('align_corners', [False, True])
def test_lookup_equals_grid_sample(small_grid, align_corners):
    volume = torch.randn(2, 6, 5, 4, 3)
    points = torch.randn(2, 200, 3) * 2
    lower, upper = torch.tensor(small_grid.lower), torch.tensor(small_grid.upper)
    unit = ((points - lower) / (upper - lower) * 2 - 1)[:, :, None, None].flip(-1)
    expected = F.grid_sample(volume.permute(0, 4, 1, 2, 3), unit, padding_mode='border', align_corners=align_corners)[
        ..., 0, 0
    ].transpose(1, 2)
    expected = expected * small_grid.contains(points)[..., None]
    assert torch.allclose(lookup_trilinear(volume, points, small_grid, align_corners), expected, atol=1e-5)


def test_points_outside_read_zero_and_upper_faces_are_outside(small_grid):
    volume = torch.ones(1, 6, 5, 4, 2)
    points = torch.tensor([[[3.0, 0.0, 0.0], [-3.0, 0.0, 0.0], [0.0, 0.0, -1.1], [100.0, 0.0, 0.0]]])
    assert lookup_trilinear(volume, points, small_grid)[0, :, 0].tolist() == [0.0, 1.0, 0.0, 0.0]


def test_lookup_accepts_half_precision_under_autocast(small_grid):
    volume, points = torch.randn(1, 6, 5, 4, 2).bfloat16(), torch.randn(1, 9, 3)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        values = lookup_trilinear(volume, points, small_grid)
    assert values.dtype == torch.float32
    assert torch.allclose(values, lookup_trilinear(volume.float(), points, small_grid))


def test_lookup_gradients(small_grid):
    volume = torch.randn(1, 6, 5, 4, 2, dtype=torch.float64, requires_grad=True)
    points = torch.randn(1, 6, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda v: lookup_trilinear(v, points, small_grid), volume)


def test_scalar_lookup_equals_the_general_one_and_has_right_gradients(small_grid):
    field = torch.randn(120, dtype=torch.float64, requires_grad=True)
    points = small_grid.voxel_centers().double().reshape(-1, 3)[:30] + 0.3
    base, frac = locate_cells(small_grid.world_to_voxel(points), small_grid.shape)
    offsets = corner_offsets(small_grid.shape)
    values = lookup_scalar(field, base, frac, offsets)
    expected = lookup_trilinear(field.view(1, 6, 5, 4, 1), points[None], small_grid)[0, :, 0]
    inside = small_grid.contains(points)
    assert torch.allclose(values[inside], expected[inside])
    assert torch.autograd.gradcheck(lambda f: lookup_scalar(f, base, frac, offsets), field)


def test_a_single_voxel_along_an_axis_is_constant_along_it():
    grid = VoxelGrid([0, 0, 0, 2, 2, 2], [2, 1, 2])
    volume = torch.arange(4.0).view(1, 2, 1, 2, 1)
    points = torch.tensor([[[0.5, 0.1, 0.5], [0.5, 1.9, 0.5], [1.5, 1.0, 1.5]]])
    assert lookup_trilinear(volume, points, grid)[0, :, 0].tolist() == [0.0, 0.0, 3.0]


def test_corner_weights_sum_to_one():
    weights = corner_weights(torch.rand(50, 3))
    assert weights.shape == (50, 8)
    assert torch.allclose(weights.sum(dim=1), torch.ones(50))


def test_volume_of_another_grid_is_rejected(small_grid):
    with pytest.raises(ValueError, match='volume must be'):
        lookup_trilinear(torch.zeros(1, 5, 6, 4, 1), torch.zeros(1, 1, 3), small_grid)
