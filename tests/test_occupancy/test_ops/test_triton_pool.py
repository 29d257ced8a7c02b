import importlib.util
from pathlib import Path

import pytest

PROGRAM = """
import torch
from projects.occupancy.ops import bev_pool, triton_pool, voxel_pool_prepare

torch.manual_seed(0)
rays, origins, bins = torch.randn(1, 2, 6, 8, 3), 0.3 * torch.randn(1, 2, 3), 0.05 * torch.arange(1, 41)
index = voxel_pool_prepare(rays, origins, bins, (-2.0, -3.0, -1.0), (1.0, 1.0, 1.0), (4, 6, 3))
assert index.voxel_offsets.diff().max() > 128, 'a voxel with more points than one block'
depth, feats = torch.rand(2 * 40 * 48), torch.randn(96, 5)
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


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from projects.occupancy.ops import triton_pool

FLAGS = {'VOXELS': 8, 'BLOCK_M': 64, 'BLOCK_C': 64}
TABLES = ('pixels', 'depths', 'rows', 'offsets')
for kernel in (triton_pool._sum_voxels_kernel, triton_pool._sum_gradients_kernel):
    for capability, integers in ((80, '*i32'), (90, '*i64')):
        flags = {name: value for name, value in FLAGS.items() if name in kernel.arg_names}
        types = dict.fromkeys(kernel.arg_names, '*fp32') | dict.fromkeys(TABLES, integers)
        types |= {'num_voxels': 'i32', 'channels': 'i32'} | dict.fromkeys(flags, 'constexpr')
        types = {name: kind for name, kind in types.items() if name in kernel.arg_names}
        compiled = triton.compile(ASTSource(kernel, types, flags), target=GPUTarget('cuda', capability, 32))
        assert 'atom' not in compiled.asm['ptx'] and 'red.global' not in compiled.asm['ptx']
        print(len(compiled.asm['cubin']) > 0)
"""


@pytest.mark.skipif(importlib.util.find_spec('triton') is None, reason='triton is not installed')
def test_triton_kernels_agree_with_torch_in_the_interpreter(run_python):
    assert run_python('-c', PROGRAM, TRITON_INTERPRET='1', timeout=600).stdout.startswith('agree')


def ptxas_missing():
    found = importlib.util.find_spec('triton')
    return found is None or not (Path(found.origin).parent / 'backends/nvidia/bin/ptxas').exists()


@pytest.mark.skipif(ptxas_missing(), reason='no triton with ptxas')
def test_triton_kernels_compile_for_cuda_without_atomics(run_python, tmp_path):
    output = run_python('-c', COMPILE, TRITON_CACHE_DIR=str(tmp_path), timeout=600).stdout
    assert output == 'True\n' * 4
