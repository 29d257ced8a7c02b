#!/usr/bin/env python
"""Time voxel pooling and volume rendering against a plain PyTorch form of the same computation, side by side.

Both variants run in turns in one process on the same inputs. Results are compared first; no ratio is printed when they
disagree. Quote the ratio of medians: absolute times move with whatever else runs on the machine.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from projects.engine import atomic_write
from projects.occupancy.ops import voxel_pool, voxel_pool_prepare
from projects.rendering import (
    VoxelGrid,
    numba_enabled,
    pixels_to_rays,
    prepare_ray_samples,
    render_occupancy_samples,
    uniform_samples,
)

LOWER, UPPER = (-40.0, -40.0, -1.0), (40.0, 40.0, 5.4)
YAWS = (55.0, 0.0, -55.0, 110.0, 180.0, -110.0)


@dataclass
class Benchmark:
    """Two variants of one operation, forward and backward.

    Args:
        name (str): Name of the operation.
        inputs (list[torch.Tensor]): Tensors with gradients; copied before every run.
        ours (Callable): Inputs -> output.
        reference (Callable): Inputs -> output.
        tolerance (float): Largest difference of outputs and gradients, relative to the largest value.
    """

    name: str
    inputs: list[torch.Tensor]
    ours: Callable
    reference: Callable
    tolerance: float


def camera_rays(height, width, focal):
    """Rays of six cameras around a car, slightly pitched; (6, height * width, 3) directions and (6, 3) origins."""
    cam2img = torch.tensor([[focal, 0, width / 2 - 0.5], [0, focal, height / 2 - 0.5], [0, 0, 1.0]])
    to_ego = torch.tensor([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    pixels = torch.stack([u, v], -1).reshape(-1, 2).float()
    rays, origins = [], []
    for i, yaw in enumerate(torch.deg2rad(torch.tensor(YAWS))):
        turn = torch.tensor([[yaw.cos(), -yaw.sin(), 0], [yaw.sin(), yaw.cos(), 0], [0, 0, 1]])
        cam2ego = torch.eye(4)
        cam2ego[:3, :3], cam2ego[:3, 3] = turn @ to_ego, torch.tensor([0.1 * i, 0.05 * i, 1.55])
        cam2ego[2, :3] += 0.013 * cam2ego[0, :3]
        origin, direction = pixels_to_rays(pixels, cam2img, cam2ego)
        rays.append(direction)
        origins.append(origin[0])
    return torch.stack(rays), torch.stack(origins)


def pooling():
    """BEV pooling at FlashOcc's size: 6 x 16 x 44 pixels, 59 bins, 64 channels, 200 x 200 cells; ranking cached."""
    height, width, channels, bins = 16, 44, 64, torch.arange(1.0, 60.0)
    rays, origins = camera_rays(height, width, 35.0)
    size = ((UPPER[0] - LOWER[0]) / 200, (UPPER[1] - LOWER[1]) / 200, UPPER[2] - LOWER[2])
    rays = rays.view(1, 6, height, width, 3)
    index = voxel_pool_prepare(rays, origins[None], bins, LOWER, size, (200, 200, 1))
    points = origins[None, :, None, None, None] + bins[:, None, None, None] * rays[:, :, None]
    cells = ((points - torch.tensor(LOWER)) / torch.tensor(size)).floor().long()
    inside = ((cells >= 0) & (cells < torch.tensor([200, 200, 1]))).all(-1).flatten()
    keys = (cells[..., 1] * 200 + cells[..., 0]).flatten()[inside]

    def reference(depth, feats):
        values = (depth[..., None] * feats[:, :, None]).reshape(-1, channels)[inside]
        dense = values.new_zeros(200 * 200, channels).index_add(0, keys, values)
        return dense.view(1, 1, 200, 200, channels)

    depth = torch.rand(1, 6, len(bins), height, width).softmax(2)
    feats = torch.randn(1, 6, height, width, channels)
    return Benchmark('pool', [depth, feats], lambda d, f: voxel_pool(d, f, index), reference, 1e-4)


def rendering(num_rays):
    """Rays x 112 samples through 18 logits of a scene of flat ground and walls; weights, depth and semantics."""
    grid = VoxelGrid((*LOWER, *UPPER), (200, 200, 16))
    scene = torch.zeros(200, 200, 16, dtype=torch.bool)
    scene[:, :, :2] = True
    scene[::25, ::3, :9] = True
    logits = torch.randn(1, 200, 200, 16, 18)
    logits[0, ..., -1] += torch.where(scene, -6.0, 8.0)
    rays, origins = camera_rays(90, 160, 128.0)
    pick = torch.randint(rays.shape[1], (6, num_rays // 6))
    rays_d = rays.gather(1, pick[..., None].expand(-1, -1, 3)).reshape(1, -1, 3)
    rays_o = origins[:, None].expand(-1, pick.shape[1], -1).reshape(1, -1, 3).contiguous()
    edges = uniform_samples((0.0, 56.0), 0.5)
    samples = prepare_ray_samples(rays_o, rays_d, grid, *edges)
    mids = 0.5 * (edges[0] + edges[1])
    low, high = torch.tensor(LOWER), torch.tensor(UPPER)

    def ours(volume):
        rendered = render_occupancy_samples(volume, samples, semantics_threshold=0.0)
        return torch.cat([rendered.depths[..., None], rendered.semantics], -1)

    def reference(volume):
        points = rays_o[:, :, None] + mids[:, None] * rays_d[:, :, None]
        where = 2 * (points - low) / (high - low) - 1
        inside = ((points >= low) & (points < high)).all(-1)
        looked_up = F.grid_sample(
            volume.permute(0, 4, 3, 2, 1), where[:, None], padding_mode='border', align_corners=False
        )[:, :, 0].permute(0, 2, 3, 1)
        sigma = F.softplus(-looked_up[..., -1]) * inside * rays_d.norm(dim=-1)[..., None]
        alpha = 1 - torch.exp(-sigma * (edges[1] - edges[0]))
        trans = torch.cumprod(torch.cat([torch.ones_like(alpha[..., :1]), 1 - alpha + 1e-10], -1), -1)[..., :-1]
        weights = trans * alpha
        depth = (weights * mids).sum(-1, keepdim=True)
        return torch.cat([depth, (weights[..., None] * looked_up[..., :-1]).sum(-2)], -1)

    return Benchmark('render', [logits], ours, reference, 1e-3)


def run_once(function, inputs):
    """One forward and backward pass: seconds, output and gradients."""
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    start = time.perf_counter()
    output = function(*leaves)
    output.square().sum().backward()
    seconds = time.perf_counter() - start
    return seconds, [output.detach(), *(leaf.grad for leaf in leaves)]


def largest_difference(first, second):
    """Largest difference of two lists of tensors, relative to the largest value of each tensor."""
    return max(float((a - b).abs().max() / b.abs().max().clamp_min(1e-12)) for a, b in zip(first, second))


def measure(benchmark, rounds):
    """Check, then time both variants in turns; two rows of the result."""
    error = largest_difference(run_once(benchmark.ours, benchmark.inputs)[1],
                               run_once(benchmark.reference, benchmark.inputs)[1])  # fmt: skip
    correct = error <= benchmark.tolerance
    times = {'ours': [], 'plain torch': []}
    for _ in range(rounds):
        times['ours'].append(run_once(benchmark.ours, benchmark.inputs)[0])
        times['plain torch'].append(run_once(benchmark.reference, benchmark.inputs)[0])
    reference = statistics.median(times['plain torch'])
    return [
        {
            'op': benchmark.name,
            'variant': variant,
            'reference': 'plain torch',
            'correct': correct,
            'error': error,
            'ratio': reference / statistics.median(values) if correct else None,
            'median_ms': 1e3 * statistics.median(values),
            'min_ms': 1e3 * min(values),
            'n': rounds,
        }
        for variant, values in times.items()
    ]


def main():
    """Run the benchmarks and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ops', nargs='*', help='pool, render (default: both)')
    parser.add_argument('--quick', action='store_true', help='3 rounds and 2,048 rays instead of 9 and 8,192')
    parser.add_argument('--json', type=Path, metavar='F', help='write the rows to a file')
    args = parser.parse_args()
    makers = {'pool': pooling, 'render': lambda: rendering(2048 if args.quick else 8192)}
    unknown = set(args.ops) - set(makers)
    if unknown:
        parser.error(f'unknown operation {sorted(unknown)}; choose from {sorted(makers)}')
    torch.manual_seed(0)
    rows = [row for name in args.ops or makers for row in measure(makers[name](), 3 if args.quick else 9)]
    print(
        f'forward + backward; torch {torch.__version__}, {torch.get_num_threads()} threads, numba '
        f'{"on" if numba_enabled() else "off"}, {platform.machine()}'
    )
    print(f'{"op":8}{"variant":14}{"correct":>8}{"median ms":>11}{"min ms":>9}{"n":>4}{"ratio":>8}')
    for row in rows:
        ratio = '-' if row['ratio'] is None else f'{row["ratio"]:.1f}x'
        print(
            f'{row["op"]:8}{row["variant"]:14}{row["correct"]!s:>8}{row["median_ms"]:11.1f}{row["min_ms"]:9.1f}'
            f'{row["n"]:4}{ratio:>8}'
        )
    if args.json:
        with atomic_write(args.json, 'w') as file:
            json.dump({'rows': rows}, file, indent=1)
    return 0 if all(row['correct'] for row in rows) else 1


if __name__ == '__main__':
    raise SystemExit(main())
