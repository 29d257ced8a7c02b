import importlib.util
from pathlib import Path

import pytest
import torch

from projects.rendering import VoxelGrid, optical_depths, prepare_ray_samples, render, samples, uniform_samples
from projects.rendering.voxel.pieces import VoxelPieces
from projects.rendering.voxel.rays import VoxelRays

GRID = VoxelGrid([-1.0, -1.0, -1.0, 1.0, 1.0, 1.0], [2, 2, 2])

needs_triton = pytest.mark.skipif(importlib.util.find_spec('triton') is None, reason='triton is not installed')

SCENE = """
import torch
from projects.rendering import VoxelGrid, jitter_samples, prepare_ray_samples, render_occupancy_samples
from projects.rendering import render as renderer, samples as preparation, uniform_samples
from projects.rendering.voxel import triton as kernels
from projects.rendering.voxel.pieces import VoxelPieces
from projects.rendering.voxel.rays import VoxelRays

NAMES = ('weights', 'depths', 'semantics', 'opacities')
calls = []
march = kernels.render_voxels_with_triton
kernels.render_voxels_with_triton = lambda *args: calls.append(args) or march(*args)
renderer.numba_usable = lambda *tensors, bfloat16: False
preparation.numba_usable = lambda *tensors: False
preparation.triton_usable = lambda *tensors: tensors[0].dtype == torch.float32
renderer.triton_usable = lambda *tensors, half=False: tensors[0].dtype != torch.float64
empty = torch.empty
torch.empty = lambda *args, **options: empty(*args, **options).fill_(float('nan'))  # what is not written shows

# Voxels of different edges, whose faces float32 holds exactly.
GRID = VoxelGrid([-1.5, -1.25, -0.75, 1.5, 1.25, 0.75], [6, 5, 2])
RAYS = [
    ((-3.0, 0.1, 0.2), (1.0, 0.0, 0.0)),  # along an axis, from outside
    ((0.1, 2.0, -0.3), (0.0, -1.0, 0.0)),
    ((0.3, 0.2, -2.0), (0.0, 0.0, 0.5)),
    ((-2.0, 0.5, 0.3), (1.0, 0.0, -0.25)),  # in a face
    ((-1.5, -1.25, -0.75), (1.0, 1.0, 1.5)),  # from corner to corner, through edges
    ((1.0, 0.25, 0.0), (-1.0, -1.0, 1.5)),  # from a corner inside, through corners
    ((0.2, 0.1, 0.4), (0.3, -0.9, -0.2)),  # from inside
    ((-0.7, -0.6, 0.1), (0.6, 0.8, 0.1)),
    ((2.1, 1.7, 1.0), (-0.8, -0.7, -0.4)),  # from outside
    ((-2.2, -0.4, 0.6), (1.1, 0.3, -0.2)),
    ((9.0, 9.0, 9.0), (1.0, 1.0, 1.0)),  # behind the ray
    ((-3.0, 3.0, 0.0), (1.0, 0.0, 0.0)),  # beside it
]

def prepare(rays, dtype, grid=GRID, bins=((0.0, 4.0), 0.08), batch=2, jitter=None):
    o, d = (torch.tensor(part, dtype=dtype).reshape(batch, -1, 3) for part in zip(*rays))
    bins = uniform_samples(*bins, dtype=dtype)
    if jitter is not None:
        bins = tuple(edge + jitter.to(dtype) * (bins[1] - bins[0])[:1] for edge in bins)
    return prepare_ray_samples(o, d, grid, *bins, field='voxel')

def render_both(logits, rays=RAYS, bins=((0.0, 4.0), 0.08), batch=2, grid=GRID, jitter=None, **options):
    # The reference is the torch code in float64, also of the cuts.
    single, double = logits.clone().requires_grad_(), logits.double().requires_grad_()
    lines = [prepare(rays, dtype, grid, bins, batch, jitter) for dtype in (torch.float32, torch.float64)]
    assert isinstance(lines[0], VoxelRays) and isinstance(lines[1], VoxelPieces)
    pairs = zip((single, double), lines)
    return single, double, *(render_occupancy_samples(*pair, **options).as_dict() for pair in pairs)
"""

AGREE = (
    SCENE
    + """
def check(names=NAMES, dtype=torch.float32, **options):
    logits = torch.randn(2, 6, 5, 2, 5).to(dtype)
    single, double, mine, exact = render_both(logits, **options)
    for name in NAMES:
        torch.testing.assert_close(mine[name].double(), exact[name], rtol=1e-5, atol=2e-6, msg=lambda m: name + m)
    grads = {name: torch.randn_like(mine[name]) for name in names}
    sum((mine[name] * grads[name]).sum() for name in names).backward()
    sum((exact[name] * grads[name]).sum() for name in names).backward()
    assert double.grad.abs().max() > 0.01, 'gradients far above the tolerance'
    assert single.grad.dtype == dtype
    rounding = {torch.bfloat16: 2.0**-8, torch.float16: 2.0**-11}.get(dtype, 0.0)
    torch.testing.assert_close(single.grad.double(), double.grad, rtol=1e-4 + rounding, atol=1e-5)
    return mine

torch.manual_seed(0)
seen = check(density='softplus_free', density_scale=2.0)
assert (seen['opacities'].flatten()[:10] > 0.1).all() and not seen['opacities'].flatten()[10:].any()
check(density='log_odds', semantics_threshold=0.02)
check(density='softplus_free', semantics_threshold=0.02)
check(density='prob', voxel_size=0.4, semantics_threshold=0.0)
check(density='log_odds', dtype=torch.bfloat16)
check(density='softplus_free', dtype=torch.float16)
print(len(calls))
"""
)

BINS = (
    SCENE
    + """
def check(names, **options):
    single, double, mine, exact = render_both(torch.randn(2, 6, 5, 2, 5), density='log_odds', **options)
    for name in NAMES:
        torch.testing.assert_close(mine[name].double(), exact[name], rtol=1e-5, atol=2e-6, msg=lambda m: name + m)
    sum(mine[name].sin().sum() for name in names).backward()
    sum(exact[name].sin().sum() for name in names).backward()
    assert double.grad.abs().max() > 0.01
    torch.testing.assert_close(single.grad.double(), double.grad, rtol=1e-4, atol=1e-5)
    return mine

torch.manual_seed(0)
some = RAYS[3:11]
check(NAMES, rays=some, bins=((0.3, 4.0), 0.01))  # 370 bins: three blocks, the first of them inside the grid
check(('weights',), rays=some, bins=((0.5, 3.0), 2.5))  # one bin, which begins and ends inside
check(('weights', 'depths'), rays=some, bins=((0.0, 2.0), 0.1), jitter=torch.rand(8, 1) - 0.5)
kernels._MOST_BINS = 4  # pieces that reach over several blocks, and blocks behind the last piece
check(NAMES, rays=some, bins=((0.0, 4.0), 0.08))
assert check(('depths', 'semantics'), rays=some, with_weights=False)['weights'].shape == (2, 4, 0)
assert len(calls) == 5
lines = prepare_ray_samples(torch.rand(2, 0, 3), torch.rand(2, 0, 3), GRID, *uniform_samples(), field='voxel')
logits = torch.randn(2, 6, 5, 2, 5, requires_grad=True)
nothing = render_occupancy_samples(logits, lines)
assert nothing.semantics.shape == (2, 0, 4)
nothing.semantics.sum().backward()
assert not logits.grad.any()
print('agree')
"""
)

WALL = (
    SCENE
    + """
torch.manual_seed(0)
grid = VoxelGrid([0.0, 0.0, 0.0, 12.0, 1.0, 1.0], [12, 1, 1])
options = dict(rays=[((0.0, 0.5, 0.5), (1.0, 0.0, 0.0))], bins=((0.0, 12.0), 0.5), batch=1, grid=grid)
logits = torch.randn(1, 12, 1, 1, 5)
logits[:, 3, ..., -1] = -200.0
_, double, _, exact = render_both(logits, **options)
hidden = logits.clone()
hidden[:, 4:] = float('nan')
single, _, mine, _ = render_both(hidden, **options)
for name in NAMES:
    torch.testing.assert_close(mine[name].double(), exact[name], rtol=1e-5, atol=2e-6)
sum(value.sin().sum() for value in mine.values()).backward()
sum(value.sin().sum() for value in exact.values()).backward()
torch.testing.assert_close(single.grad.double(), double.grad, rtol=1e-4, atol=1e-5)
assert not single.grad[:, 4:].any()
logits[:, 1] = float('nan')  # before the wall
_, _, mine, exact = render_both(logits, **options)
assert mine['weights'].isnan().any() and not mine['weights'][..., :2].isnan().any()
torch.testing.assert_close(mine['weights'].double(), exact['weights'], rtol=1e-5, atol=2e-6, equal_nan=True)
print('agree')
"""
)

ONE_VOXEL = (
    SCENE
    + """
import math
# One voxel from x = 1 to x = 2 with density 3 per metre, seen from x = 0 along x; see test_render.py.
grid = VoxelGrid([0.0, 0.0, 0.0, 4.0, 1.0, 1.0], [4, 1, 1])
logits = torch.full((1, 4, 1, 1, 3), 40.0)
logits[0, 1, 0, 0] = torch.tensor([7.0, -2.0, -math.log(math.exp(3.0) - 1)])
rays = prepare([((0.0, 0.5, 0.5), (1.0, 0.0, 0.0))], torch.float32, grid, ((0.0, 4.0), 4 / 3), batch=1)
rendered = render_occupancy_samples(logits, rays)
opacity, first = 1 - math.exp(-3.0), 1 - math.exp(-1.0)
expected = [opacity, 1.0 - 2.0 * math.exp(-3.0) + opacity / 3.0, first, opacity - first, 0.0, 7 * opacity, -2 * opacity]
parts = (rendered.opacities, rendered.depths, rendered.weights, rendered.semantics)
torch.testing.assert_close(torch.cat([part.flatten() for part in parts]), torch.tensor(expected), rtol=2e-6, atol=1e-6)
print(len(calls))
"""
)

COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from projects.rendering.voxel import triton_kernels as kernels

FLOATS = ('lower_x', 'lower_y', 'lower_z', 'size_x', 'size_y', 'size_z', 'scale', 'threshold')
INTEGERS = ('count_x', 'count_y', 'count_z', 'rays_per_batch', 't_stride', 'num_samples', 'num_classes')
for kernel in (kernels.forward_kernel, kernels.backward_kernel):
    for capability, logits, wanted in ((80, '*fp16', False), (90, '*bf16', True), (90, '*fp32', True)):
        flags = {'LOG_ODDS': wanted, 'WEIGHTS': wanted, 'SEMANTICS': wanted, 'BLOCK_S': 128, 'BLOCK_C': 32}
        flags = {name: value for name, value in flags.items() if name in kernel.arg_names}
        types = dict.fromkeys(kernel.arg_names, '*fp32') | dict.fromkeys(FLOATS, 'fp32') | {'logits': logits}
        types |= dict.fromkeys(INTEGERS, 'i32') | dict.fromkeys(flags, 'constexpr')
        source = ASTSource(kernel, types, flags)
        compiled = triton.compile(source, target=GPUTarget('cuda', capability, 32), options={'num_warps': 1})
        assert compiled.asm['cubin']
        print(any(name in compiled.asm['ptx'] for name in ('red.global', 'atom.global')))
"""


@needs_triton
def test_triton_voxels_agree_with_torch_in_the_interpreter(run_python):
    assert run_python('-c', AGREE, TRITON_INTERPRET='1', timeout=600).stdout == '6\n'


@needs_triton
def test_triton_voxels_fill_any_bins_of_rays(run_python):
    assert run_python('-c', BINS, TRITON_INTERPRET='1', timeout=600).stdout == 'agree\n'


@needs_triton
def test_triton_voxels_read_nothing_behind_a_wall(run_python):
    assert run_python('-c', WALL, TRITON_INTERPRET='1', timeout=600).stdout == 'agree\n'


@needs_triton
def test_triton_depth_and_weights_in_one_voxel_by_hand(run_python):
    assert run_python('-c', ONE_VOXEL, TRITON_INTERPRET='1', timeout=600).stdout == '1\n'


def ptxas_missing():
    found = importlib.util.find_spec('triton')
    if found is None:
        return True
    return not (Path(found.origin).parent / 'backends/nvidia/bin/ptxas').exists()


@pytest.mark.skipif(ptxas_missing(), reason='no triton with ptxas')
def test_triton_voxels_compile_for_cuda(run_python, tmp_path):
    # Needs no GPU. Only the backward pass adds with atomics.
    output = run_python('-c', COMPILE, TRITON_CACHE_DIR=str(tmp_path), timeout=600).stdout
    assert output == 3 * 'False\n' + 3 * 'True\n'


def prepare(packed=True):
    bins = uniform_samples((0.0, 4.0), 0.5)
    return prepare_ray_samples(-torch.ones(1, 1, 3), torch.ones(1, 1, 3), GRID, *bins, packed=packed, field='voxel')


def test_rays_are_not_cut_where_triton_walks(monkeypatch):
    assert isinstance(prepare(), VoxelPieces)
    monkeypatch.setattr(samples, 'triton_usable', lambda *tensors: True)
    assert isinstance(prepare(), VoxelRays)
    assert isinstance(prepare(packed=False), VoxelPieces)


def test_triton_walks_unless_results_must_repeat(monkeypatch):
    assert not render._triton_walks(torch.zeros(1))
    monkeypatch.setattr(render, 'triton_usable', lambda *tensors, half: half)
    assert render._triton_walks(torch.zeros(1))
    monkeypatch.setattr(torch, 'are_deterministic_algorithms_enabled', lambda: True)
    assert not render._triton_walks(torch.zeros(1))


def test_what_cannot_walk_reads_the_pieces_of_rays(monkeypatch, make_rays):
    grid, bins = VoxelGrid([-3.0, -2.0, -1.0, 3.0, 3.0, 1.0], [6, 5, 4]), uniform_samples((0.0, 6.0), 0.3)
    monkeypatch.setenv('GEODISTILL_NUMBA', '0')
    pieces = prepare_ray_samples(*make_rays(2, 20), grid, *bins, field='voxel')
    monkeypatch.setattr(samples, 'triton_usable', lambda *tensors: True)
    rays = prepare_ray_samples(*make_rays(2, 20), grid, *bins, field='voxel')
    assert rays.pieces is rays.pieces
    logits = torch.randn(2, 6, 5, 4, 3)
    mine, theirs = (render.render_occupancy_samples(logits, lines).as_dict() for lines in (rays, pieces))
    assert all(torch.equal(value, theirs[name]) for name, value in mine.items())
    depths = [optical_depths(logits, lines) for lines in (rays, pieces)]
    assert torch.equal(*depths)
