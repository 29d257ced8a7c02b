import importlib.util

import pytest

PROGRAM = """
import torch
from projects.occupancy.ops import bev_pool, triton_pool, voxel_pool_prepare

torch.manual_seed(0)
rays, origins, bins = torch.randn(1, 2, 3, 4, 3), 0.3 * torch.randn(1, 2, 3), 0.1 * torch.arange(1, 21)
index = voxel_pool_prepare(rays, origins, bins, (-2.0, -3.0, -1.0), (1.0, 1.0, 1.0), (4, 6, 3))
assert index.voxel_offsets.diff().max() > 32, 'a voxel with more points than one block'
depth, feats = torch.rand(2 * 20 * 12), torch.randn(24, 5)
for offsets in (index.voxel_offsets, index.dense_offsets):
    rows = triton_pool.sum_voxels(depth, feats, index, offsets)
    torch.testing.assert_close(rows, bev_pool._sum_voxels(depth, feats, index, offsets))
grad = torch.randn_like(rows)
expected = bev_pool._sum_gradients(depth, feats, grad, index, True, True)
for mine, theirs in zip(triton_pool.sum_gradients(depth, feats, grad, index), expected, strict=True):
    torch.testing.assert_close(mine, theirs)
empty = voxel_pool_prepare(rays, origins + 99, bins, (-2.0, -3.0, -1.0), (1.0, 1.0, 1.0), (4, 6, 3))
assert triton_pool.sum_voxels(depth, feats, empty, empty.voxel_offsets).shape == (0, 5)
for grad in triton_pool.sum_gradients(depth, feats, rows, empty):
    assert not grad.any()
print('agree', len(rows))
"""


@pytest.mark.skipif(importlib.util.find_spec('triton') is None, reason='triton is not installed')
def test_triton_kernels_agree_with_torch_in_the_interpreter(run_python):
    assert run_python('-c', PROGRAM, TRITON_INTERPRET='1').stdout.startswith('agree')
