"""Which voxels the cameras see by the rays of the teacher."""

import pytest
import torch

from projects.occupancy.models import RaySampleGeometry
from projects.radocc import VisibleVoxels, VolumeRenderingConnector, voxels_on_rays
from projects.rendering import VoxelGrid

BOX, SIZE = (0.0, -1.0, 0.0, 8.0, 1.0, 1.0), (8, 2, 1)


def along_x(y):
    return torch.tensor([[[0.0, y, 0.5]]]), torch.tensor([[[1.0, 0.0, 0.0]]])


def test_a_voxel_is_seen_where_enough_of_a_ray_is_left_at_its_start():
    """Left at the start of the bins: 1, 1, 0.7, 0.2, 0.2."""
    weights = torch.tensor([[[0.0, 0.3, 0.5, 0.0, 0.1]]])
    mids = torch.arange(5)[None] + 0.5
    seen = voxels_on_rays(weights, mids, *along_x(-0.5), VoxelGrid(BOX, SIZE), 0.5)
    assert seen[0, :, 0, 0].tolist() == [True, True, True, False, False, False, False, False]
    assert not seen[0, :, 1].any()
    seen = voxels_on_rays(weights, mids, *along_x(0.5), VoxelGrid(BOX, SIZE), 0.1)
    assert seen[0, :, 1, 0].tolist() == [True] * 5 + [False] * 3


def test_bins_outside_of_the_box_mark_nothing():
    mids = torch.tensor([[-0.5, 7.5, 8.5]])
    seen = voxels_on_rays(torch.zeros(1, 1, 3), mids, *along_x(0.5), VoxelGrid(BOX, SIZE), 0.5)
    assert seen.nonzero().tolist() == [[0, 7, 1, 0]]


def test_a_point_just_below_the_upper_face_counts_nothing_outside():
    """39.9999998 m is 40 m in float32 coordinates of the grid of Occ3D; no index of that grid is 200."""
    grid = VoxelGrid((-40.0, -40.0, -1.0, 40.0, 40.0, 5.4), (200, 200, 16))
    edge = torch.nextafter(torch.tensor(40.0), torch.tensor(0.0))
    origins = torch.stack([edge, edge, torch.nextafter(torch.tensor(5.4), torch.tensor(0.0))]).view(1, 1, 3)
    seen = voxels_on_rays(torch.zeros(1, 1, 1), torch.zeros(1, 1), origins, torch.zeros(1, 1, 3), grid, 0.5)
    assert seen.sum() <= 1


def test_samples_of_a_batch_have_masks_of_their_own():
    o, d = (torch.cat(pair) for pair in zip(along_x(-0.5), along_x(0.5)))
    seen = voxels_on_rays(torch.zeros(2, 1, 1), torch.tensor([[2.5]]), o, d, VoxelGrid(BOX, SIZE), 0.5)
    assert seen.nonzero().tolist() == [[0, 2, 0, 0], [1, 2, 1, 0]]


@pytest.mark.parametrize('field', ['voxel', 'trilinear'])
def test_rays_end_at_the_wall_of_a_rendered_teacher(field):
    """A wall fills the sixth voxel of the row; it is seen, and what is behind it is not."""
    logits = torch.zeros(1, *SIZE, 3)
    logits[..., 2] = 20.0
    logits[:, 5, 0, :, 2] = -200.0
    o, d = along_x(-0.5)
    rays = {'rays_o': o, 'rays_d': d, **RaySampleGeometry(BOX, SIZE, (0.0, 8.0), 1.0, field=field).prepare(o, d)}
    rendered = VolumeRenderingConnector()(logits, rays)
    seen = VisibleVoxels(BOX, SIZE)(rendered, rays)
    assert seen[0, :, 0, 0].tolist() == [True] * 6 + [False] * 2
    assert seen.sum() == 6


def test_rays_without_samples_and_a_transmittance_of_zero_are_refused():
    with pytest.raises(ValueError, match='set `geometry` of the ray sampler'):
        VisibleVoxels(BOX, SIZE)({'weights': torch.zeros(1, 1, 1)}, {})
    with pytest.raises(ValueError, match='min_transmittance must be above 0'):
        VisibleVoxels(BOX, SIZE, 0.0)
