"""Device correctness without a GPU: fake tensors raise when a tensor is made on the wrong device.

Without a GPU there is no device guard for "cuda", and a CPU build of torch aborts: there "lazy", which torch knows,
stands for a device that is not the CPU.
"""

import subprocess
import sys

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from projects.rendering import (
    VoxelGrid,
    lookup_trilinear,
    pixels_to_rays,
    prepare_ray_samples,
    ray_kl_divergence,
    render_occupancy_samples,
    scale_intrinsics,
    uniform_samples,
)

GRID = VoxelGrid([-4.0, -4.0, -1.6, 4.0, 4.0, 1.6], [20, 20, 8])


DEVICE = 'cuda' if torch.cuda.is_available() else 'lazy:0'


@pytest.mark.parametrize('field', ['trilinear', 'voxel'])
@pytest.mark.parametrize('density', ['softplus_free', 'log_odds', 'prob'])
def test_geometry_rendering_and_loss_stay_on_their_device(density, field):
    with FakeTensorMode():
        cam2img = scale_intrinsics(torch.rand(2, 3, 3, device=DEVICE), 0.5, 0.5)
        rays_o, rays_d = pixels_to_rays(torch.rand(2, 9, 2, device=DEVICE), cam2img, torch.rand(2, 4, 4, device=DEVICE))
        bins = uniform_samples((0.0, 4.0), 0.5, device=DEVICE)
        samples = prepare_ray_samples(rays_o, rays_d, GRID, *bins, field=field)
        student = torch.rand(2, 20, 20, 8, 5, device=DEVICE, requires_grad=True)
        teacher = torch.rand(2, 20, 20, 8, 5, device=DEVICE)
        rendered, target = (render_occupancy_samples(v, samples, density=density) for v in (student, teacher))
        features = lookup_trilinear(student, rays_o, GRID)
        loss = ray_kl_divergence(rendered.weights, target.weights)
        loss = loss + rendered.semantics.sum() + rendered.depths.sum() + features.sum()
        assert loss.device.type == DEVICE.split(':')[0]
        assert rendered.weights.shape == (2, 9, 8)
        loss.backward()
        assert student.grad.device.type == DEVICE.split(':')[0]


def test_fake_tensors_do_catch_a_mix_of_devices():
    with FakeTensorMode(), pytest.raises(RuntimeError, match='device'):
        torch.rand(3, device=DEVICE) + torch.rand(3)


def test_rendering_imports_without_mmengine_and_numba():
    code = (
        'import sys\n'
        "for name in ('mmengine', 'mmcv', 'mmdet', 'mmdet3d', 'numba'):\n"
        '    sys.modules[name] = None\n'
        'import projects.rendering\n'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
