"""Kernels and losses in float32 against float64 on the CPU; on CUDA as well where there is one (``-m gpu``)."""

import pytest
import stand_in_networks
import stand_in_nothing
import stand_in_pieces
import torch
from stand_in_run import difference, run
from torch import nn

from projects.depth.models.losses import depth_nll, disparity_cross_entropy, sig_loss, silog_loss
from projects.occupancy.models.losses import lidar_depth_loss, lovasz_softmax_loss, masked_cross_entropy_loss
from projects.occupancy.ops import voxel_pool, voxel_pool_prepare
from projects.rendering import VoxelGrid, prepare_ray_samples, ray_kl_divergence, render_occupancy_samples
from projects.rendering.bins import uniform_samples

CUDA = pytest.param(
    'cuda', marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')]
)
on_devices = pytest.mark.parametrize('device', ['cpu', CUDA])
PARTS = {**stand_in_pieces.PIECES, **stand_in_networks.PIECES, **stand_in_nothing.PIECES}
GRID = VoxelGrid([-4.0, -4.0, -1.6, 4.0, 4.0, 1.6], [20, 20, 8])


def compare(function, device, leaves, *others, rtol=1e-4, atol=1e-5):
    """Hold values and gradients of a function of tensors on a device against float64 on the CPU."""

    def run(place, dtype):
        def put(x):
            x = x.detach().clone().to(place)
            return x.to(dtype) if x.is_floating_point() else x

        given = [put(leaf).requires_grad_() for leaf in leaves]
        values = function(*given, *map(put, others))
        values = values if isinstance(values, tuple) else (values,)
        sum((value * torch.linspace(1, 2, value.numel()).view_as(value).to(value)).sum() for value in values).backward()
        return [tensor.detach().double().cpu() for tensor in (*values, *(leaf.grad for leaf in given))]

    for found, expected in zip(run(device, torch.float32), run('cpu', torch.float64)):
        torch.testing.assert_close(found, expected, rtol=rtol, atol=atol)


@on_devices
def test_losses_of_occupancy(device):
    logits, target = torch.randn(2, 300, 18), torch.randint(0, 12, (2, 300)).to(torch.uint8)
    target[0, :20], mask = 255, torch.rand(2, 300) < 0.7
    compare(masked_cross_entropy_loss, device, [logits], target, mask)
    compare(lovasz_softmax_loss, device, [logits], target, mask)
    bins = torch.where(torch.rand(2, 4, 6) < 0.3, torch.randint(0, 9, (2, 4, 6)), -1)
    compare(lidar_depth_loss, device, [torch.randn(2, 9, 4, 6)], bins)


@on_devices
def test_losses_of_depth(device):
    pred, scale = 1 + 20 * torch.rand(2, 8, 9), torch.randn(2, 8, 9)
    truth = torch.where(torch.rand(2, 8, 9) < 0.3, 2 + 20 * torch.rand(2, 8, 9), 0.0)
    for loss in (silog_loss, sig_loss):
        compare(loss, device, [pred], truth)
    compare(depth_nll, device, [pred, scale], truth)
    compare(disparity_cross_entropy, device, [torch.randn(2, 7, 8, 9)], 6 * torch.rand(2, 8, 9), truth > 0)


@on_devices
@pytest.mark.parametrize('layout', ['yxz', 'xyz'])
def test_voxel_pooling(device, layout):
    """The ranking comes from rays of float64 in both, which fall into the same voxels."""
    rays = torch.rand(1, 2, 4, 6, 3, dtype=torch.float64) - 0.5

    def pool(depth, feats, rays):
        origins, bins = rays.new_zeros(1, 2, 3), torch.arange(1.0, 6.0, device=rays.device)
        grid = (GRID.lower, GRID.voxel_size, GRID.shape)
        index = voxel_pool_prepare(rays.double(), origins.double(), bins.double(), *grid, layout=layout)
        return voxel_pool(depth.softmax(1), feats, index)

    compare(pool, device, [torch.randn(2, 5, 4, 6), torch.randn(2, 4, 6, 8)], rays.float())


@on_devices
@pytest.mark.parametrize('field', ['trilinear', 'voxel'])
@pytest.mark.parametrize('density', ['softplus_free', 'log_odds', 'prob'])
def test_rendering_and_ray_distributions(device, density, field):
    def render(logits, teacher, rays_o, rays_d):
        bins = uniform_samples((0.0, 4.0), 0.25, device=rays_o.device, dtype=rays_o.dtype)
        samples = prepare_ray_samples(rays_o, rays_d, GRID, *bins, field=field)
        ours, theirs = (render_occupancy_samples(x, samples, density=density) for x in (logits, teacher))
        return ours.weights, ours.depths, ours.semantics, ray_kl_divergence(ours.weights, theirs.weights)

    volumes, rays = torch.randn(2, 1, 20, 20, 8, 5), torch.rand(2, 1, 40, 3) - 0.5
    compare(render, device, [volumes[0]], volumes[1], *rays, rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
@pytest.mark.parametrize('make', PARTS.values(), ids=PARTS)
def test_parts_of_models_and_losses_have_the_results_of_the_cpu(make, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', False)
    here, _ = run(make)
    there, idle = run(make, torch.Tensor.cuda, nn.Module.cuda)
    assert difference(there, here, atol=1e-4) == ''
    assert idle == []
