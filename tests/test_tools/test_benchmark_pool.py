"""The transcriptions of the peers' pooling give what slow code gives."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / 'tools' / 'analysis_tools'))

from ops_benchmarks import peers_pool, pool
from ops_benchmarks.core import measure

LOWER, SIZE, GRID = (-4.0, -4.0, -1.0), (1.0, 1.0, 1.5), (8, 8, 2)
BINS = torch.tensor([0.7, 1.9, 5.3])


@pytest.fixture
def calibration():
    angle = torch.tensor(0.4)
    turn = torch.tensor([[angle.cos(), -angle.sin(), 0], [angle.sin(), angle.cos(), 0], [0, 0, 1]])
    cam2ego = torch.eye(4).repeat(2, 2, 1, 1)
    cam2ego[:, :, :3, :3] = turn @ torch.tensor([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    cam2ego[:, :, :3, 3] = torch.randn(2, 2, 3) * 0.3
    cam2img = torch.tensor([[3.0, 0, 2.0], [0, 3.0, 1.2], [0, 0, 1]]).repeat(2, 2, 1, 1)
    post_rots = torch.diag(torch.tensor([0.8, 0.9, 1.0])).repeat(2, 2, 1, 1)
    post_trans = torch.tensor([0.3, -0.2, 0.0]).repeat(2, 2, 1)
    bda = torch.diag(torch.tensor([1.0, -1, 1])).repeat(2, 1, 1)
    return cam2ego, cam2img, post_rots, post_trans, bda


def slow_points(calibration, pixels):
    """One point at a time: camera z is the depth of the bin, both augmentations are undone or applied."""
    cam2ego, cam2img, post_rots, post_trans, bda = calibration
    out = torch.zeros(2, 2, len(BINS), *pixels.shape[:2], 3)
    for b, n, d, h, w in torch.cartesian_prod(*map(torch.arange, out.shape[:-1])).tolist():
        pixel = torch.cat([(pixels[h, w] - post_trans[b, n, :2]) / post_rots[b, n].diagonal()[:2], torch.ones(1)])
        camera = BINS[d] * torch.linalg.solve(cam2img[b, n], pixel)
        out[b, n, d, h, w] = bda[b] @ (cam2ego[b, n, :3, :3] @ camera + cam2ego[b, n, :3, 3])
    return out


def test_points_and_ranking_of_flashocc_equal_a_loop(calibration):
    v, u = torch.meshgrid(torch.arange(3.0), torch.arange(4.0), indexing='ij')
    pixels = torch.stack([u, v], -1)
    points = peers_pool.ego_points(peers_pool.frustum(BINS, pixels), *calibration)
    expected = slow_points(calibration, pixels)
    torch.testing.assert_close(points, expected)
    ranking = peers_pool.rank_points_v2(points, LOWER, SIZE, torch.tensor(GRID, dtype=torch.float32))
    found = dict(zip(ranking.depths.tolist(), zip(ranking.voxels.tolist(), ranking.feats.tolist())))
    wanted = {}
    for place, (point, (b, n, _, h, w)) in enumerate(
        zip(expected.reshape(-1, 3), torch.cartesian_prod(*map(torch.arange, (2, 2, 3, 3, 4))).tolist())
    ):
        x, y, z = (int((p - low) / size) for p, low, size in zip(point.tolist(), LOWER, SIZE))  # toward zero
        if 0 <= x < 8 and 0 <= y < 8 and 0 <= z < 2:
            wanted[place] = (((b * 2 + z) * 8 + y) * 8 + x, ((b * 2 + n) * 3 + h) * 4 + w)
    assert found == wanted
    assert 20 < len(wanted) < expected.numel() // 3
    assert ranking.lengths.sum() == len(wanted)
    assert ranking.voxels[ranking.starts.long()].unique().numel() == len(ranking.starts)


@pytest.mark.parametrize('sort', [True, False])
def test_quick_cumsum_and_index_add_equal_a_loop_with_gradients(sort):
    depth = torch.rand(1, 2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    feats = torch.randn(1, 2, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    kept = torch.tensor([1, 4, 5, 9, 13, 20])
    keys = torch.tensor([2, 0, 2, 4, 0, 2])
    expected = torch.zeros(6, 3, dtype=torch.float64)
    for place, key in zip(kept.tolist(), keys.tolist()):
        camera, pixel = place // 12, place % 4
        expected[key] += (depth.flatten()[place] * feats.view(2, 4, 3)[camera, pixel]).detach()
    if not sort:
        keys, order = keys.sort(stable=True)
        kept = kept[order]
    all_keys = torch.full((24,), 6)
    all_keys[kept] = keys
    for function, args in (
        (peers_pool.quick_cumsum_pool, (kept, keys, 6, sort)),
        (peers_pool.index_add_pool, (all_keys, 6)),
    ):
        torch.testing.assert_close(function(depth, feats, *args).detach(), expected)
        assert torch.autograd.gradcheck(lambda d, f: function(d, f, *args), (depth, feats))  # noqa: B023


def test_ours_and_the_peers_agree_on_small_inputs(monkeypatch):
    monkeypatch.setattr(pool, 'HEIGHT', 2)
    monkeypatch.setattr(pool, 'WIDTH', 3)
    monkeypatch.setattr(pool, 'STRIDE', 100)
    monkeypatch.setattr(pool, 'CHANNELS', 4)
    for make in (pool.prepare_benchmark, pool.forward_benchmark, pool.training_benchmark):
        benchmark = make(pool.Scene(1))
        benchmark.quick_rounds = 1
        rows = measure(benchmark, quick=True)
        assert [row['error'] for row in rows] == [None] * len(rows)
        assert {row['variant'] for row in rows} >= {'ours, torch', benchmark.reference}
