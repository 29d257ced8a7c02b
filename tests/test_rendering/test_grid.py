import pytest
import torch

from projects.rendering import VoxelGrid, ray_box_intersection


def test_voxel_centres_are_at_min_plus_half_a_voxel():
    grid = VoxelGrid([-40, -40, -1, 40, 40, 5.4], [200, 200, 16])
    assert grid.voxel_size == pytest.approx((0.4, 0.4, 0.4))
    centers = grid.voxel_centers()
    assert torch.allclose(centers[0, 0, 0], torch.tensor([-39.8, -39.8, -0.8]))
    assert torch.allclose(centers[3, 100, 15], torch.tensor([-40 + 3.5 * 0.4, 0.2, 5.2]), atol=1e-5)
    index = grid.world_to_voxel(centers.double())
    assert torch.allclose(index[7, 8, 9], torch.tensor([7.0, 8.0, 9.0]).double(), atol=1e-4)


def test_legacy_align_corners_puts_the_first_and_last_voxel_on_the_faces(small_grid):
    corners = torch.tensor([[-3.0, -2.0, -1.0], [3.0, 3.0, 1.0]])
    assert torch.allclose(
        small_grid.world_to_voxel(corners, align_corners=True), torch.tensor([[0.0, 0, 0], [5.0, 4.0, 3.0]])
    )


@pytest.mark.parametrize('align_corners', [False, True])
def test_world_and_voxel_coordinates_are_inverse(small_grid, align_corners):
    points = torch.randn(20, 3)
    coords = small_grid.world_to_voxel(points, align_corners)
    assert torch.allclose(small_grid.voxel_to_world(coords, align_corners), points, atol=1e-5)


@pytest.mark.parametrize(
    ('limits', 'size'), [([0, 0, 0, 1, 1], [1, 1, 1]), ([0, 0, 0, 1, 0, 1], [1, 1, 1]), ([0, 0, 0, 1, 1, 1], [1, 0, 1])]
)
def test_impossible_grids_are_rejected(limits, size):
    with pytest.raises(ValueError, match='must be'):
        VoxelGrid(limits, size)


def test_box_intersection_by_hand(small_grid):
    rays_o = torch.tensor([[-5.0, 0.0, 0.0], [0.0, 0.0, 0.0], [-5.0, 9.0, 0.0], [0.0, 0.0, 5.0]])
    rays_d = torch.tensor([[2.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    near, far = ray_box_intersection(rays_o, rays_d, small_grid)
    assert near[[0, 1, 3]].tolist() == [1.0, -3.0, 4.0]
    assert far[[0, 1, 3]].tolist() == [4.0, 3.0, 6.0]
    assert near[2] >= far[2]
