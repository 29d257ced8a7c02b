import importlib.util

import pytest
import torch

from projects.rendering import VoxelGrid, prepare_ray_samples, render, uniform_samples

GRID = VoxelGrid([-1.0, -1.0, -1.0, 1.0, 1.0, 1.0], [2, 2, 2])

needs_triton = pytest.mark.skipif(importlib.util.find_spec('triton') is None, reason='triton is not installed')

SCENE = """
import torch
from projects.rendering import VoxelGrid, jitter_samples, prepare_ray_samples, render_occupancy_samples
from projects.rendering import render as renderer, uniform_samples
from projects.rendering.trilinear import triton as kernels

NAMES = ('weights', 'depths', 'semantics', 'opacities')
calls = []
march = kernels.render_samples_with_triton
kernels.render_samples_with_triton = lambda *args: calls.append(args) or march(*args)
renderer.numba_usable = lambda *tensors, bfloat16: False

GRID = VoxelGrid([-1.2, -1.2, -0.8, 1.2, 1.2, 0.8], [6, 6, 4])

def prepare(num_rays, jitter=False):
    rays_o, rays_d = 1.5 * torch.randn(2, num_rays, 3), torch.randn(2, num_rays, 3)
    rays_o[:, 0], rays_d[:, 0] = 9.0, 1.0  # misses
    rays_d[:, 1:] = 0.5 * torch.randn(2, num_rays - 1, 3) - rays_o[:, 1:]
    bins = uniform_samples((0.0, 2.0), 0.02)
    if jitter:
        bins = jitter_samples(*bins, 2 * num_rays)
    return prepare_ray_samples(rays_o, rays_d, GRID, *bins)

def render(logits, samples, use_triton, **options):
    renderer.triton_usable = lambda *tensors: use_triton
    return render_occupancy_samples(logits, samples, **options).as_dict()
"""

AGREE = (
    SCENE
    + """
def check(samples, names=NAMES, **options):
    # The reference is the torch code in float64.
    logits = torch.randn(2, 6, 6, 4, 5)
    single, double = logits.clone().requires_grad_(), logits.double().requires_grad_()
    mine, exact = render(single, samples, True, **options), render(double, samples, False, **options)
    grads = {name: torch.randn_like(mine[name]) for name in names}
    for name in NAMES:
        torch.testing.assert_close(mine[name].double(), exact[name], rtol=1e-5, atol=2e-6, msg=lambda m: name + m)
    sum((mine[name] * grads[name]).sum() for name in names).backward()
    sum((exact[name] * grads[name]).sum() for name in names).backward()
    assert double.grad.abs().max() > 0.01, 'gradients far above the tolerance'
    torch.testing.assert_close(single.grad.double(), double.grad, rtol=1e-4, atol=1e-5)

torch.manual_seed(0)
samples = prepare(5)
counts = samples.ray_offsets.diff()
assert counts.min() == 0 and counts.max() > 32, 'a ray that misses and one with more samples than a block'
check(samples, density='softplus_free', density_scale=2.0)
check(samples, density='log_odds', semantics_threshold=0.02)
check(samples, density='prob', voxel_size=0.4, semantics_threshold=0.0)
check(prepare(3, jitter=True), names=('weights',))
check(prepare(3), names=('depths', 'semantics'), with_weights=False)
assert len(calls) == 5
no_rays = prepare_ray_samples(torch.rand(2, 0, 3), torch.rand(2, 0, 3), GRID, *uniform_samples())
logits = torch.randn(2, 6, 6, 4, 5, requires_grad=True)
nothing = render(logits, no_rays, True)
assert nothing['semantics'].shape == (2, 0, 4)
nothing['semantics'].sum().backward()
assert not logits.grad.any()
print('agree')
"""
)

EARLY_STOP = (
    SCENE
    + """
torch.manual_seed(0)
grid = VoxelGrid([0.0, 0.0, 0.0, 12.0, 2.0, 2.0], [12, 2, 2])
rays_o, rays_d = torch.tensor([[[0.0, 1.0, 1.0]]]), torch.tensor([[[1.0, 0.0, 0.0]]])
samples = prepare_ray_samples(rays_o, rays_d, grid, *uniform_samples((0.0, 12.0), 0.1))
logits = torch.randn(1, 12, 2, 2, 5)
logits[:, 3, ..., -1] = -200.0
single, double = logits.clone().requires_grad_(), logits.double().requires_grad_()
with torch.no_grad():
    single[:, 8:] = float('nan')  # more than a block of samples behind the wall
mine, exact = render(single, samples, True), render(double, samples, False)
for name in NAMES:
    torch.testing.assert_close(mine[name].double(), exact[name], rtol=1e-5, atol=2e-6)
sum(value.sin().sum() for value in mine.values()).backward()
sum(value.sin().sum() for value in exact.values()).backward()
torch.testing.assert_close(single.grad.double(), double.grad, rtol=1e-4, atol=1e-5)
with torch.no_grad():
    logits[:, 1] = float('nan')  # before the wall
mine, exact = (render(logits, samples, use_triton)['weights'] for use_triton in (True, False))
assert mine.isnan().any()
torch.testing.assert_close(mine, exact, equal_nan=True)
print('agree')
"""
)

COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from projects.rendering.trilinear import triton as kernels

FLOATS, TYPES = ('scale', 'threshold'), {'offsets': '*i64', 'index': '*i64', 'base': '*i32'}
INTEGERS = ('field_stride', 't_stride', 'num_samples', 'num_classes', 'step_x', 'step_y', 'step_z')
for kernel in (kernels._forward_kernel, kernels._backward_kernel):
    flags = {'SOFTPLUS': True, 'WEIGHTS': True, 'SEMANTICS': True, 'BLOCK_M': 32, 'BLOCK_C': 32}
    flags = {name: value for name, value in flags.items() if name in kernel.arg_names}
    types = {name: TYPES.get(name, '*fp32') for name in kernel.arg_names}
    types |= dict.fromkeys(FLOATS, 'fp32') | dict.fromkeys(INTEGERS, 'i32') | dict.fromkeys(flags, 'constexpr')
    source, options = ASTSource(kernel, types, flags), {'num_warps': kernels._WARPS}
    compiled = triton.compile(source, target=GPUTarget('cuda', 80, 32), options=options)
    print(any(name in compiled.asm['ptx'] for name in ('red.global', 'atom.global')))
"""


@needs_triton
def test_triton_march_agrees_with_torch_in_the_interpreter(run_python):
    assert run_python('-c', AGREE, TRITON_INTERPRET='1', timeout=600).stdout == 'agree\n'


@needs_triton
def test_triton_march_reads_nothing_behind_a_wall(run_python):
    assert run_python('-c', EARLY_STOP, TRITON_INTERPRET='1', timeout=600).stdout == 'agree\n'


@needs_triton
def test_triton_march_compiles_for_cuda(run_python, tmp_path):
    # Needs no GPU. Only the backward pass adds with atomics.
    assert run_python('-c', COMPILE, TRITON_CACHE_DIR=str(tmp_path)).stdout == 'False\nTrue\n'


def packed_samples(field='trilinear', packed=True):
    bins = uniform_samples((0.0, 4.0), 0.5)
    return prepare_ray_samples(-torch.ones(1, 1, 3), torch.ones(1, 1, 3), GRID, *bins, packed=packed, field=field)


def test_triton_marches_on_cuda_only():
    assert not render._triton_marches(packed_samples(), torch.zeros(8, 3))


def test_triton_marches_along_packed_trilinear_samples_unless_results_must_repeat(monkeypatch):
    monkeypatch.setattr(render, 'triton_usable', lambda *tensors: True)
    logits = torch.zeros(8, 3)
    assert render._triton_marches(packed_samples(), logits)
    assert not render._triton_marches(packed_samples(field='voxel'), logits)
    assert not render._triton_marches(packed_samples(packed=False), logits)
    monkeypatch.setattr(torch, 'are_deterministic_algorithms_enabled', lambda: True)
    assert not render._triton_marches(packed_samples(), logits)
