"""Volume rendering: rays of six cameras x 112 samples through 200 x 200 x 16 voxels of 18 logits."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from projects.occ_eval.classes import OCC3D
from projects.rendering import VoxelGrid, pixels_to_rays, render_occupancy_rays

from .cameras import LOWER, UPPER, surround_calibration
from .core import Benchmark, close_check
from .peers_render import look_up_everything
from .pool import both, existing

RANGE, STEP, BINS = (0.0, 56.0), 0.5, 112
CHUNK = 256
PEER = 'lookup of everything + cumprod'


class Scene:
    """Flat ground and walls, and rays through random pixels in the order in which the ray sampler draws them."""

    def __init__(self, num_rays: int) -> None:
        self.grid = VoxelGrid(OCC3D.point_cloud_range, OCC3D.grid_size)
        occupied = torch.zeros(self.grid.shape, dtype=torch.bool)
        occupied[:, :, :2] = True
        occupied[::25, ::3, :9] = True
        self.logits = torch.randn(1, *OCC3D.grid_size, len(OCC3D.classes))
        self.logits[0, ..., -1] += torch.where(occupied, -6.0, 8.0)
        self.edges = RANGE[0] + STEP * torch.arange(BINS + 1)
        camera = surround_calibration(160, 90, 128.0, 0.5)
        pixels = torch.randint(160 * 90, (1, 6, num_rays // 6)).sort(-1).values
        pixels = torch.stack([pixels // 90, pixels % 90], -1).float()
        rays = pixels_to_rays(pixels, camera['cam2img'], camera['cam2ego'])
        self.rays_o, self.rays_d = (part.flatten(1, 2).contiguous() for part in rays)

    def render(self, logits: Tensor, **options: Any) -> tuple[Tensor, ...]:
        """Ours: weights, depths and semantics; positions of the samples are found in the call."""
        rays = (self.rays_o, self.rays_d, self.grid, RANGE, STEP)
        rendered = render_occupancy_rays(logits, *rays, **options)
        return rendered.weights[0], rendered.depths[0], rendered.semantics[0]

    def pictures(self, logits: Tensor) -> tuple[Tensor, ...]:
        """Ours, without weights and in chunks of rays: what pictures of depth and semantics need."""
        return self.render(logits, with_weights=False, chunk=CHUNK)[1:]

    def voxels(self, logits: Tensor) -> tuple[Tensor, ...]:
        """Ours, voxels of constant density."""
        return self.render(logits, field='voxel')

    def peer(self, logits: Tensor) -> tuple[Tensor, ...]:
        """The peer's structure."""
        box = (torch.tensor(LOWER), torch.tensor(UPPER))
        return tuple(look_up_everything(logits[0], self.rays_o[0], self.rays_d[0], self.edges, *box))

    def peer_pictures(self, logits: Tensor) -> tuple[Tensor, ...]:
        """The peer's structure, depth and semantics only."""
        return self.peer(logits)[1:]

    def fine_depths(self, rays: slice, steps: int = 100) -> Tensor:
        """Depths of voxels of constant density by lookup every 5 mm and at the faces of voxels, in float64."""
        o, d = self.rays_o[0, rays, None].double(), self.rays_d[0, rays, None].double()
        lower, size = torch.tensor(LOWER).double(), torch.tensor(self.grid.voxel_size).double()
        t = torch.linspace(*RANGE, BINS * steps + 1, dtype=torch.float64).expand(len(o), -1)
        faces = [
            (lower[i] + size[i] * torch.arange(n + 1) - o[..., i]) / d[..., i] for i, n in enumerate(self.grid.shape)
        ]
        t = torch.cat([t, *faces], dim=1).clamp(*RANGE).sort(dim=1).values
        middle = 0.5 * (t[:, 1:] + t[:, :-1])
        cells = ((o + middle[..., None] * d - lower) / size).floor().long()
        top = torch.tensor(self.grid.shape) - 1
        inside = ((cells >= 0) & (cells <= top)).all(-1)
        x, y, z = cells.clamp_min(0).minimum(top).unbind(-1)
        sigma = torch.nn.functional.softplus(-self.logits[0, x, y, z, -1].double()) * inside
        thickness = (sigma * d.norm(dim=-1) * t.diff(dim=1)).cumsum(1)
        trans = torch.exp(-torch.cat([torch.zeros_like(thickness[:, :1]), thickness], 1))
        return ((trans[:, :-1] - trans[:, 1:]) * middle).sum(1)


def with_gradients(render: Callable[[Tensor], tuple[Tensor, ...]], scene: Scene) -> Callable[[Tensor], list[Tensor]]:
    """Forward and backward pass for fixed gradients of weights, depths and semantics."""
    num_rays = scene.rays_o.shape[1]
    generator = torch.Generator(scene.rays_o.device).manual_seed(0)
    shapes = ((num_rays, BINS), (num_rays,), (num_rays, 17))
    grads = [torch.randn(shape, generator=generator, device=generator.device) for shape in shapes]

    def run(logits: Tensor) -> list[Tensor]:
        outputs = render(logits)
        return [*(part.detach() for part in outputs), *torch.autograd.grad(outputs, logits, grads)]

    return run


def forward_benchmark(scene: Scene) -> Benchmark:
    """Depth and semantics."""
    variants = {PEER: scene.peer_pictures, **both('ours, chunks', scene.pictures)}
    variants |= both('ours', lambda logits: scene.render(logits)[1:])
    numba = 'ours, chunks, numba'
    return Benchmark(
        'render_forward',
        PEER,
        variants,
        close_check(5e-3),
        setup=lambda: (scene.logits,),
        floors=existing({'ours, torch': 2.5, 'ours, numba': 6.0}, variants),
        memory_floors=existing({numba: 50.0}, variants),
        expected=existing({'ours, torch': 2.9, 'ours, numba': 7.3}, variants),
        notes=dict.fromkeys(variants, 'sample positions in the call'),
    )


def training_benchmark(scene: Scene) -> Benchmark:
    """Weights, depth and semantics, with the gradient of all logits."""
    variants = {PEER: with_gradients(scene.peer, scene), **both('ours', with_gradients(scene.render, scene))}
    return Benchmark(
        'render_forward_backward',
        PEER,
        variants,
        close_check(5e-3),
        setup=lambda: (scene.logits.clone().requires_grad_(),),
        floors=existing({'ours, torch': 2.5, 'ours, numba': 6.0}, variants),
        expected=existing({'ours, torch': 3.2, 'ours, numba': 9.0}, variants),
        notes=dict.fromkeys(variants, 'sample positions in the call'),
    )


def voxel_benchmark(scene: Scene) -> Benchmark:
    """Voxels of constant density: another field, so its depths are held against fine numerical integration."""
    variants = {PEER: with_gradients(scene.peer, scene), **both('ours, voxel', with_gradients(scene.voxels, scene))}
    some = slice(None, None, max(1, scene.rays_o.shape[1] // 128))
    fine = scene.fine_depths(some)

    def check(variant: str, result: list[Tensor], reference: list[Tensor]) -> str | None:
        if variant == PEER:
            return None
        error = float((result[1][some] - fine).abs().max())
        return None if error <= 1e-3 else f'{variant}: depth is {error:.4f} m off, allowed is 0.001 m'

    return Benchmark(
        'render_voxel_forward_backward',
        PEER,
        variants,
        check,
        setup=lambda: (scene.logits.clone().requires_grad_(),),
        floors=existing({'ours, voxel, numba': 10.0}, variants),
        expected=existing({'ours, voxel, numba': 19.6}, variants),
        notes=dict.fromkeys(variants, 'another field than the trilinear one'),
    )


def benchmarks(quick: bool) -> list[Benchmark]:
    """All benchmarks of rendering; 4,096 rays in place of 8,192 for a quick look."""
    scene = Scene(4096 if quick else 8192)
    return [forward_benchmark(scene), training_benchmark(scene), voxel_benchmark(scene)]
