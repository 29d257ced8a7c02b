"""Pooling by gathers gives the sum of each voxel."""

import pytest
import torch

from projects.deploy import FixedVoxelPool
from projects.occupancy.ops import rank_points

DEPTHS, HEIGHT, WIDTH, CHANNELS = 8, 4, 5, 3
SHAPE = (1, 4, 3)


def points_of(counts):
    """Pixels, depths and voxels of points, pixel by pixel, so that voxel v has ``counts[v]`` points."""
    voxels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    voxels = voxels[torch.randperm(len(voxels))]
    places = torch.randperm(2 * DEPTHS * HEIGHT * WIDTH)[: len(voxels)]  # (camera, depth, row, column)
    pixels = places // (DEPTHS * HEIGHT * WIDTH) * (HEIGHT * WIDTH) + places % (HEIGHT * WIDTH)
    order = torch.argsort(pixels)
    return pixels[order], places[order], voxels[order]


@pytest.mark.parametrize(
    'counts',
    [
        [0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 0, 40],  # the borders of all groups
        [0] * 12,
        [1] * 12,
    ],
)
def test_each_voxel_is_the_sum_of_its_points(counts):
    pixels, places, voxels = points_of(counts)
    depth, context = torch.rand(2, DEPTHS, HEIGHT, WIDTH), torch.randn(2, CHANNELS, HEIGHT, WIDTH)
    expected = torch.zeros(12, CHANNELS)
    for place, voxel in zip(places.tolist(), voxels.tolist()):
        camera, rest = divmod(place, DEPTHS * HEIGHT * WIDTH)
        bin_, pixel = divmod(rest, HEIGHT * WIDTH)
        row, column = divmod(pixel, WIDTH)
        expected[voxel] += depth[camera, bin_, row, column] * context[camera, :, row, column]
    pool = FixedVoxelPool(rank_points(pixels, places, voxels, 2 * HEIGHT * WIDTH, SHAPE), depth.numel())
    torch.testing.assert_close(pool(depth, context), expected.view(*SHAPE, CHANNELS), atol=1e-5, rtol=1e-5)


def test_less_than_half_of_each_table_is_filling():
    pixels, places, voxels = points_of([0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 0, 40])
    pool = FixedVoxelPool(rank_points(pixels, places, voxels, 2 * HEIGHT * WIDTH, SHAPE), 2 * DEPTHS * HEIGHT * WIDTH)
    tables = [table for name, table in pool.named_buffers() if name.startswith('depths')]
    filling = 2 * DEPTHS * HEIGHT * WIDTH
    assert sum(int((table != filling).sum()) for table in tables) == len(pixels)
    assert all(2 * (table == filling).sum() < table.numel() for table in tables)
