import math
from dataclasses import replace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from projects.occupancy.ops import (
    VoxelBuffer,
    bev_pool,
    numba_index,
    numba_pool,
    rank_points,
    voxel_pool,
    voxel_pool_prepare,
    voxel_pool_rows,
)

LOWER, SIZE = (-2.0, -3.0, -1.0), (0.5, 0.5, 0.5)
DEPTHS = torch.tensor([0.6, 1.3, 2.1, 2.9])
RANKING = (
    'voxels', 'voxel_offsets', 'pixels', 'depths', 'pixel_offsets', 'rows_by_pixel', 'depths_by_pixel', 'dense_offsets',
)  # fmt: skip


def spy(function, calls):
    def wrapper(*args):
        calls.append(function.__name__)
        return function(*args)

    return wrapper


@pytest.fixture(params=['torch', 'numba'])
def backend(request, monkeypatch):
    """Run with numba switched off by the environment, then on, and make sure that it was used or not."""
    calls = []
    for module, name in ((numba_index, 'prepare_with_numba'), (numba_pool, 'sum_gradients')):
        monkeypatch.setattr(module, name, spy(getattr(module, name), calls))
    monkeypatch.setenv('GEODISTILL_NUMBA', '1' if request.param == 'numba' else '0')
    yield request.param
    assert bool(calls) == (request.param == 'numba')


def hand_case():
    """The unit test of bev_pool_v2: two voxels, four points."""
    depth = torch.tensor([0.3, 0.4, 0.2, 0.1, 0.7, 0.6, 0.8, 0.9]).view(1, 1, 2, 2, 2).requires_grad_()
    feats = torch.ones(1, 1, 2, 2, 2).requires_grad_()
    pixels, depths, voxels = torch.tensor([0, 0, 1, 2]), torch.tensor([0, 4, 1, 6]), torch.tensor([0, 0, 1, 1])
    return depth, feats, rank_points(pixels, depths, voxels, num_pixels=4, shape=(1, 1, 2, 2))


def random_rays(B=2, N=3, H=2, W=3):
    rays = torch.randn(B, N, H, W, 3)
    return rays / rays.norm(dim=-1, keepdim=True), 0.3 * torch.randn(B, N, 3)


def slow_pool(rays, origins, depth, feats, grid_shape, legacy_trunc=False):
    """Loop over every frustum point; returns (B, X, Y, Z, C)."""
    B, N, D, H, W = depth.shape
    out = torch.zeros(B, *grid_shape, feats.shape[-1], dtype=feats.dtype)
    for b, n, d, h, w in torch.cartesian_prod(*map(torch.arange, (B, N, D, H, W))).tolist():
        point = (origins[b, n] + DEPTHS[d] * rays[b, n, h, w]).tolist()
        scaled = [(p - low) / size for p, low, size in zip(point, LOWER, SIZE)]
        cell = [math.trunc(s) if legacy_trunc else math.floor(s) for s in scaled]
        if all(0 <= i < n_cells for i, n_cells in zip(cell, grid_shape)):
            out[b, cell[0], cell[1], cell[2]] += depth[b, n, d, h, w] * feats[b, n, h, w]
    return out


def test_sum_and_gradients_of_the_hand_worked_case(backend):
    depth, feats, index = hand_case()
    out = voxel_pool(depth, feats, index)
    out.sum().backward()
    assert out.shape == (1, 1, 2, 2, 2)
    assert out.sum().item() == pytest.approx(4.4)
    assert depth.grad.flatten().tolist() == pytest.approx([2, 2, 0, 0, 2, 0, 2, 0])
    assert feats.grad.flatten().tolist() == pytest.approx([1, 1, 0.4, 0.4, 0.8, 0.8, 0, 0])


@pytest.mark.parametrize('grid_shape', [(8, 12, 1), (8, 12, 6), (4, 5, 16)])
@pytest.mark.parametrize('legacy_trunc', [False, True])
def test_pooling_equals_a_loop_over_all_points(grid_shape, legacy_trunc, backend):
    rays, origins = random_rays()
    depth, feats = torch.rand(2, 3, 4, 2, 3), torch.randn(2, 3, 2, 3, 5)
    expected = slow_pool(rays, origins, depth, feats, grid_shape, legacy_trunc)
    for layout, axes in {'zyx': (0, 3, 2, 1, 4), 'xyz': (0, 1, 2, 3, 4), 'yxz': (0, 2, 1, 3, 4)}.items():
        index = voxel_pool_prepare(rays, origins, DEPTHS, LOWER, SIZE, grid_shape, layout, legacy_trunc)
        torch.testing.assert_close(voxel_pool(depth, feats, index).permute(*axes), expected)
    assert expected.abs().sum() > 0


def test_legacy_truncation_lets_voxel_zero_take_the_cell_below_the_range(backend):
    rays = torch.tensor([1.0, 0.0, 0.0]).view(1, 1, 1, 1, 3)
    origins = torch.tensor([[[0.0, 0.0, -1.2]]])  # 0.2 m below the grid
    for legacy, hits in ((False, 0), (True, 1)):
        index = voxel_pool_prepare(rays, origins, torch.full((30,), 0.6), LOWER, SIZE, (8, 12, 4), legacy_trunc=legacy)
        assert index.voxels.numel() == hits


@pytest.mark.parametrize('layout', ['zyx', 'xyz'])
def test_gradcheck_in_double(layout, backend):
    rays, origins = random_rays(1, 2, 2, 2)
    index = voxel_pool_prepare(rays, origins, DEPTHS, LOWER, SIZE, (8, 12, 4), layout)
    depth = torch.rand(1, 2, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    feats = torch.randn(1, 2, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda d, f: voxel_pool(d, f, index), (depth, feats))
    assert torch.autograd.gradcheck(lambda d, f: voxel_pool_rows(d, f, index), (depth, feats))


def test_all_forms_of_the_segment_dot_product_give_the_hand_worked_case(monkeypatch):
    queries, table = (
        torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
    )
    # Segment 0 reads rows 2 and 0, segment 1 is empty, segment 2 reads row 1.
    rows, offsets = torch.tensor([2, 0, 1], dtype=torch.int32), torch.tensor([0, 2, 2, 3], dtype=torch.int32)
    expected = [1 + 2, 1, 6]
    assert bev_pool._segment_dot_at_places(queries, table, rows, offsets).tolist() == expected
    assert bev_pool._segment_dot_of_bags(queries, table, rows, offsets).tolist() == expected

    class NoSuchOperator:
        def __getattr__(self, name):
            raise AttributeError(name)

    monkeypatch.setattr(bev_pool.torch.ops, 'aten', NoSuchOperator())
    plain = bev_pool._segment_dot_of_bags(queries, table, rows, offsets).tolist()
    monkeypatch.undo()
    assert plain == expected


def test_no_point_inside_the_grid_gives_zeros_and_zero_gradients(backend):
    rays, origins = random_rays(1, 1, 2, 2)
    index = voxel_pool_prepare(rays, origins + 100, DEPTHS, LOWER, SIZE, (8, 12, 4))
    depth, feats = torch.rand(1, 1, 4, 2, 2, requires_grad=True), torch.rand(1, 1, 2, 2, 3, requires_grad=True)
    out = voxel_pool(depth, feats, index)
    out.sum().backward()
    assert out.shape == (1, 4, 12, 8, 3)
    assert out.abs().sum() == depth.grad.abs().sum() == feats.grad.abs().sum() == 0


def test_mixed_precision_inputs_are_summed_in_float32():
    depth, feats, index = hand_case()
    with torch.autocast('cpu', torch.bfloat16):
        out = voxel_pool(depth, feats.bfloat16(), index)
        out.sum().backward()
    assert depth.grad.flatten().tolist() == pytest.approx([2, 2, 0, 0, 2, 0, 2, 0])
    assert out.dtype == torch.float32
    assert out.sum().item() == pytest.approx(4.4)


def test_repeated_sums_are_bit_identical():
    rays, origins = random_rays(2, 6, 8, 8)
    depth, feats = torch.rand(2, 6, 4, 8, 8), torch.randn(2, 6, 8, 8, 4)
    outs = [
        voxel_pool(depth, feats, voxel_pool_prepare(rays, origins, DEPTHS, LOWER, SIZE, (4, 6, 2))) for _ in range(2)
    ]
    assert torch.equal(*outs)


def test_keys_beyond_32_bits_use_64_bits():
    rays, origins = random_rays(1, 1, 1, 1)
    index = voxel_pool_prepare(rays, origins, DEPTHS, (-2e4, -2e4, -1e4), (1.0, 1.0, 1.0), (40000, 40000, 20000))
    assert index.voxels.tolist() == sorted(index.voxels.tolist())
    assert index.voxels.max() > 2**31
    point = (origins[0, 0] + DEPTHS[0] * rays[0, 0, 0, 0] + torch.tensor([2e4, 2e4, 1e4])).floor().long()
    assert (point[2] * 40000 + point[1]) * 40000 + point[0] in index.voxels


def test_feature_map_of_another_size_is_refused():
    depth, _, index = hand_case()
    with pytest.raises(ValueError, match='5 pixels but the index was made for 4'):
        voxel_pool(depth, torch.ones(5, 2), index)


def test_unknown_layout_is_refused():
    rays, origins = random_rays()
    with pytest.raises(ValueError, match='layout must be one of'):
        voxel_pool_prepare(rays, origins, DEPTHS, LOWER, SIZE, (8, 12, 4), layout='yzx')


def test_every_tensor_stays_on_the_device_of_the_inputs():
    with FakeTensorMode(shape_env=ShapeEnv()):
        rays, origins = torch.rand(1, 2, 3, 4, 3, device='cuda'), torch.rand(1, 2, 3, device='cuda')
        bins = torch.rand(5, device='cuda')
        index = voxel_pool_prepare(rays, origins, bins, LOWER, SIZE, (8, 12, 4))
        depth, feats = torch.rand(1, 2, 5, 3, 4, device='cuda'), torch.rand(1, 2, 3, 4, 6, device='cuda')
        out = voxel_pool(depth, feats, index)
        assert out.device.type == 'cuda'
        assert out.shape == (1, 4, 12, 8, 6)
        assert {getattr(index, name).device.type for name in RANKING} == {'cuda'}

        context = type('Context', (), {})()
        context.saved_tensors = (depth.flatten(), feats.view(-1, 6))
        context.index, context.needs_input_grad = index, (True, True, False)
        context.dense, grad = True, torch.rand(384, 6, device='cuda')
        grad_depth, grad_feats, *_ = bev_pool._Pool.backward(context, grad)
        assert grad_depth.device.type == grad_feats.device.type == 'cuda'
        assert grad_depth.shape == (120,)
        assert grad_feats.shape == (24, 6)


def test_on_a_device_that_is_not_the_cpu_large_grids_have_offsets_of_all_voxels():
    with FakeTensorMode(shape_env=ShapeEnv()):
        rays, origins = torch.rand(1, 2, 3, 4, 3, device='cuda'), torch.rand(1, 2, 3, device='cuda')
        index = voxel_pool_prepare(rays, origins, torch.rand(5, device='cuda'), LOWER, SIZE, (200, 200, 16))
    assert index.dense_offsets.shape == (200 * 200 * 16 + 1,)
    assert index.hits is None, 'nobody waited for the number of hit voxels'


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('legacy_trunc', [False, True])
def test_numba_ranks_every_point_like_torch_also_on_borders_of_voxels(dtype, legacy_trunc, monkeypatch):
    rays, origins = random_rays(2, 3, 4, 5)
    rays[0] = rays[0].mul(4).round().div(4)  # steps of 0.25 m: whole planes of points lie on borders
    origins[0] = 0.25
    rays[1, 0, 0, 0] = torch.tensor([float('nan'), float('inf'), 1e30])
    rays, origins, bins = rays.to(dtype), origins.to(dtype), torch.tensor([0.5, 1.0, 2.0, 3.0])
    ranked = {}
    for numba in '01':
        monkeypatch.setenv('GEODISTILL_NUMBA', numba)
        ranked[numba] = voxel_pool_prepare(rays, origins, bins, LOWER, SIZE, (8, 12, 4), 'yxz', legacy_trunc)
    for name in RANKING:
        first, second = (getattr(index, name) for index in ranked.values())
        assert getattr(first, 'dtype', None) == getattr(second, 'dtype', None), name
        assert torch.equal(first, second) if torch.is_tensor(first) else first == second, name
    assert len(ranked['0'].pixels) > 50


def test_a_grid_with_few_points_per_voxel_is_sorted_not_counted(monkeypatch):
    monkeypatch.setattr(numba_index, 'prepare_with_numba', None)
    rays, origins = random_rays(1, 1, 1, 1)
    index = voxel_pool_prepare(rays, origins, DEPTHS, LOWER, SIZE, (80, 120, 40))
    assert index.shape == (1, 40, 120, 80)


def test_rows_are_the_dense_voxels_that_hold_points(backend):
    rays, origins = random_rays()
    index = voxel_pool_prepare(rays, origins, DEPTHS, LOWER, SIZE, (8, 12, 4))
    depth, feats = torch.rand(2, 3, 4, 2, 3, requires_grad=True), torch.randn(2, 3, 2, 3, 5)
    dense = voxel_pool(depth, feats, index).flatten(0, 3)
    rows = voxel_pool_rows(depth, feats, index)
    assert torch.equal(rows, dense[index.voxels])
    assert dense.abs().sum().item() == pytest.approx(rows.abs().sum().item())
    rows.sum().backward()


def test_a_buffer_holds_the_voxels_of_the_last_call_only():
    buffer, results = VoxelBuffer(), []
    for shift in (0.0, 0.7, 0.0):
        rays, origins = random_rays(1, 2, 3, 4)
        index = voxel_pool_prepare(rays, origins + shift, DEPTHS, LOWER, SIZE, (8, 12, 4))
        depth, feats = torch.rand(1, 2, 4, 3, 4), torch.randn(1, 2, 3, 4, 5)
        results.append(voxel_pool(depth, feats, index, buffer))
        assert torch.equal(results[-1], voxel_pool(depth, feats, index))
    assert results[0].data_ptr() == results[-1].data_ptr()
    wider = voxel_pool(depth, torch.randn(1, 2, 3, 4, 6), index, buffer)
    assert wider.shape[-1] == 6


def test_a_buffer_is_not_used_while_gradients_are_recorded():
    depth, feats, index = hand_case()
    buffer = VoxelBuffer()
    voxel_pool(depth, feats, index, buffer).sum().backward()
    assert buffer.dense is None
    with torch.no_grad():
        voxel_pool(depth, feats, index, buffer)
    assert buffer.dense.shape == (4, 2)


def test_large_outputs_are_zero_where_no_point_is():
    depth, feats, index = hand_case()
    large = replace(
        index, dense_offsets=None, shape=(2**21, 1, 1, 2), hits=(index.voxels, index.voxel_offsets)
    )  # 32 MiB of float32: memory with huge pages
    with torch.no_grad():
        out = voxel_pool(depth, feats, large)
    assert out.sum().item() == pytest.approx(4.4)
    assert out.flatten(0, 3)[index.voxels].sum().item() == pytest.approx(4.4)


def test_gradients_do_not_depend_on_the_number_of_threads():
    rays, origins = random_rays(1, 2, 8, 8)
    index = voxel_pool_prepare(rays, origins, DEPTHS, LOWER, SIZE, (8, 12, 4))
    depth, feats = torch.rand(1, 2, 4, 8, 8, requires_grad=True), torch.randn(1, 2, 8, 8, 5, requires_grad=True)
    weight, threads, results = torch.randn(*index.shape, 5), torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            results.append(torch.autograd.grad((voxel_pool(depth, feats, index) * weight).sum(), (depth, feats)))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(*results))
