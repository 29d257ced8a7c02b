import torch

from projects.occupancy.models import LSSViewTransform
from projects.occupancy.ops import PoolIndexCache, index_cache


def counting_prepare(calls):
    return lambda: calls.append(1) or len(calls)


def test_equal_values_are_ranked_once_and_every_other_value_again():
    cache, calls = PoolIndexCache(size=2), []
    first, second = torch.eye(4), torch.eye(4).mul(2)
    prepare = counting_prepare(calls)
    assert [cache.get('a', [m], prepare) for m in (first, second, first.clone(), second)] == [1, 2, 1, 2]
    assert cache.get('b', [first], prepare) == 3  # drops the least recently used: ('a', first)
    assert cache.get('a', [second], prepare) == 2
    assert cache.get('a', [first], prepare) == 4


def test_values_of_a_device_are_read_again_only_when_they_were_written_to(monkeypatch):
    reads, read = [], index_cache._bytes_of
    monkeypatch.setattr(index_cache, '_bytes_of', lambda tensors: reads.append(1) or read(tensors))
    last, matrix = index_cache._LastValues(), torch.eye(4)
    assert last.bytes_of([matrix]) == last.bytes_of([matrix]) == matrix.numpy().tobytes()
    assert len(reads) == 1
    matrix[0, 0] = 2
    assert last.bytes_of([matrix]) == matrix.numpy().tobytes()
    assert last.bytes_of([matrix.clone()]) == matrix.numpy().tobytes()
    assert len(reads) == 3
    with torch.inference_mode():
        uncounted = torch.eye(4)
        last.bytes_of([uncounted])
        uncounted[0, 0] = 3
        assert last.bytes_of([uncounted]) == uncounted.numpy().tobytes()


def view(**overrides):
    cfg = {
        'in_channels': 4,
        'out_channels': 2,
        'point_cloud_range': [-8.0, -8.0, -1.0, 8.0, 8.0, 5.4],
        'grid_size': [20, 20, 4],
        'downsample': 8,
        'depth_range': (1.0, 9.0, 0.5),
    }
    return LSSViewTransform(**{**cfg, **overrides})


def calibration(**changes):
    inputs = {
        'cam2img': torch.tensor([[32.0, 0, 31.5], [0, 32, 15.5], [0, 0, 1]]).repeat(1, 2, 1, 1),
        'cam2ego': torch.tensor([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 1.5], [0, 0, 0, 1]]).repeat(1, 2, 1, 1),
        'img_aug_matrix': torch.eye(3).repeat(1, 2, 1, 1),
        'bda_mat': torch.eye(4).repeat(1, 1, 1),
    }
    return {**inputs, **changes}


def test_view_transforms_with_one_grid_share_the_ranking_and_others_do_not():
    student, teacher = view(), view(out_channels=6)
    index = student.rank_frustum(4, 8, calibration())
    assert teacher.rank_frustum(4, 8, calibration()) is index
    for changed in (
        student.rank_frustum(4, 7, calibration()),
        student.rank_frustum(4, 8, calibration(bda_mat=torch.diag(torch.tensor([1.0, -1, 1, 1]))[None])),
        view(legacy_trunc=True).rank_frustum(4, 8, calibration()),
        view(legacy_frustum=True).rank_frustum(4, 8, calibration()),
        view(depth_range=(1.0, 9.0, 1.0)).rank_frustum(4, 8, calibration()),
        view(collapse_z=False).rank_frustum(4, 8, calibration()),
    ):
        assert changed is not index


def test_results_are_channels_last_so_that_no_copy_follows():
    depth, context = torch.rand(2, 16, 4, 8), torch.rand(2, 2, 4, 8)
    bev = view().splat(depth, context, calibration())
    assert bev.shape == (1, 8, 20, 20)
    assert bev.is_contiguous(memory_format=torch.channels_last)
    voxels = view(collapse_z=False).splat(depth, context, calibration())
    assert voxels.shape == (1, 2, 20, 20, 4)
    assert voxels.is_contiguous(memory_format=torch.channels_last_3d)


def test_the_buffer_of_a_view_transform_is_reused_without_gradients_only():
    transform = view(reuse_buffer=True, collapse_z=False)
    depth, context = torch.rand(2, 16, 4, 8, requires_grad=True), torch.rand(2, 2, 4, 8)
    first, second = (transform.splat(depth, context, calibration()) for _ in range(2))
    assert first.data_ptr() != second.data_ptr()
    with torch.no_grad():
        third, fourth = (transform.splat(depth, context, calibration()) for _ in range(2))
    assert third.data_ptr() == fourth.data_ptr()
    assert torch.equal(fourth, first)
