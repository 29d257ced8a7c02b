"""The transcription of the peer's render against a slow loop, and ours against it."""

import math
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]


@pytest.fixture
def peer(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools' / 'analysis_tools'))
    from ops_benchmarks import peers_render

    yield peers_render
    for name in [name for name in sys.modules if name.startswith('ops_benchmarks')]:
        sys.modules.pop(name)


def trilinear(volume, point, lower, upper):
    """Interpolated row of a volume (X, Y, Z, K) between voxel centres, by a loop over corners."""
    total = torch.zeros(volume.shape[-1], dtype=volume.dtype)
    coords = [
        min(max((p - lo) / (hi - lo) * n - 0.5, 0.0), n - 1.0)
        for p, lo, hi, n in zip(point, lower, upper, volume.shape)
    ]
    for corner in range(8):
        weight, index = 1.0, []
        for axis, coord in enumerate(coords):
            cell = min(math.floor(coord), volume.shape[axis] - 2)
            high = corner >> axis & 1
            weight *= coord - cell if high else 1 - (coord - cell)
            index.append(cell + high)
        total += weight * volume[tuple(index)]
    return total


def test_peer_render_equals_a_loop_over_samples(peer):
    torch.manual_seed(0)
    logits = torch.randn(4, 5, 3, 4, dtype=torch.float64)
    lower, upper = [-2.0, -1.0, 0.0], [2.0, 1.5, 1.5]
    rays_o, rays_d = torch.tensor([[-2.5, 0.1, 0.6], [0.0, 0.0, 0.2]]), torch.tensor([[1.0, 0.1, 0.1], [0.3, 0.7, 0.4]])
    rays_o, rays_d = rays_o.double(), rays_d.double()
    edges = torch.arange(7, dtype=torch.float64) * 0.5
    box = (torch.tensor(lower, dtype=torch.float64), torch.tensor(upper, dtype=torch.float64))
    rendered = peer.look_up_everything(logits, rays_o, rays_d, edges, *box)
    for ray in range(2):
        trans, depth, semantics = 1.0, 0.0, torch.zeros(3, dtype=torch.float64)
        for s in range(6):
            t = 0.25 + 0.5 * s
            point = (rays_o[ray] + t * rays_d[ray]).tolist()
            if not all(lo <= p < hi for p, lo, hi in zip(point, lower, upper)):
                continue
            row = trilinear(logits, point, lower, upper)
            sigma = math.log1p(math.exp(-row[-1].item())) * rays_d[ray].norm().item()
            weight = trans * (1 - math.exp(-0.5 * sigma))
            assert rendered.weights[ray, s].item() == pytest.approx(weight, rel=1e-6)
            trans *= math.exp(-0.5 * sigma)
            depth += weight * t
            semantics += weight * row[:-1]
        assert depth > 0.1
        assert rendered.depths[ray].item() == pytest.approx(depth, rel=1e-6)
        assert torch.allclose(rendered.semantics[ray], semantics, atol=1e-6)
