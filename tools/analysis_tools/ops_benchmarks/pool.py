"""Voxel pooling at FlashOcc's size: 6 x 16 x 44 pixels, 59 bins of 1 m, 64 channels, 200 x 200 (x 16) voxels."""

import importlib.util
import math
import os
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from projects.occ_eval.classes import OCC3D
from projects.occupancy.models.view_transforms import frustum_rays
from projects.occupancy.ops import VoxelBuffer, VoxelPoolIndex, voxel_pool, voxel_pool_prepare, voxel_pool_rows

from .cameras import LOWER, UPPER, surround_calibration
from .core import Benchmark, close_check
from .peers_pool import ego_points, frustum, index_add_pool, quick_cumsum_pool, rank_points_v2

HEIGHT, WIDTH, STRIDE, CHANNELS = 16, 44, 16, 64
BINS = torch.arange(1.0, 60.0)
NOTE_CACHED = 'ranking not timed'
# Calls of one or two milliseconds, in which a thread that wakes up late counts.
ROUNDS = 31


def switched(variable: str, on: bool, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with kernels switched on or off by their environment variable."""

    def run(*args: Any) -> Any:
        before = os.environ.get(variable)
        os.environ[variable] = '1' if on else '0'
        try:
            return function(*args)
        finally:
            os.environ.pop(variable)
            if before is not None:
                os.environ[variable] = before

    return run


def both(name: str, function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """Variants of ours with PyTorch alone, and with the kernels of the device when they are installed."""
    kernels = 'triton' if torch.empty(0).device.type == 'cuda' else 'numba'
    variable = f'GEODISTILL_{kernels.upper()}'
    variants = {f'{name}, torch': switched(variable, False, function)}
    if importlib.util.find_spec(kernels):
        variants[f'{name}, {kernels}'] = switched(variable, True, function)
    return variants


class Scene:
    """Inputs of all variants for a grid with ``heights`` voxels in z."""

    def __init__(self, heights: int) -> None:
        self.grid = (*OCC3D.grid_size[:2], heights)
        self.size = [(high - low) / count for low, high, count in zip(LOWER, UPPER, self.grid)]
        self.calibration = surround_calibration(WIDTH * STRIDE, HEIGHT * STRIDE, 557.0, 0.3)
        v, u = ((torch.arange(count) + 0.5) * STRIDE - 0.5 for count in (HEIGHT, WIDTH))
        self.pixels = torch.stack([u.expand(HEIGHT, WIDTH), v[:, None].expand(HEIGHT, WIDTH)], -1)
        self.table = frustum(BINS, self.pixels)
        self.depth = torch.rand(1, 6, len(BINS), HEIGHT, WIDTH).softmax(2)
        self.feats = torch.randn(1, 6, HEIGHT, WIDTH, CHANNELS)
        self.num_voxels = math.prod(self.grid)
        self.index = self.prepare()
        self.kept, self.keys = self.index.depths.long(), self.point_keys(self.index)
        shuffled = self.kept.argsort()  # the order in which the points come
        self.unsorted = (self.kept[shuffled], self.keys[shuffled])
        self.all_keys = torch.full((self.depth.numel(),), self.num_voxels)
        self.all_keys[self.kept] = self.keys

    @staticmethod
    def point_keys(index: VoxelPoolIndex) -> Tensor:
        """Voxel of each point, voxel-major."""
        return index.voxels.repeat_interleave(index.voxel_offsets.diff().long())

    def prepare(self) -> VoxelPoolIndex:
        """Our preparation, in the peers' layout and with their rounding."""
        keys = ('cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat')
        rays, origins = frustum_rays(self.pixels, *(self.calibration[key] for key in keys))
        return voxel_pool_prepare(rays, origins, BINS, LOWER, self.size, self.grid, 'zyx', legacy_trunc=True)

    def peer_prepare(self) -> Any:
        """The peers' preparation."""
        c = self.calibration
        post = (c['img_aug_matrix'], torch.zeros(1, 6, 3))
        points = ego_points(self.table, c['cam2ego'], c['cam2img'], *post, c['bda_mat'][:, :3, :3])
        return rank_points_v2(points, LOWER, self.size, torch.tensor(self.grid, dtype=torch.float32))

    def check_ranking(self, variant: str, result: Any, reference: Any) -> str | None:
        """Voxel of every point; float rounding may move a few points over a border."""
        voxel_of = []
        for ranking in (result, reference):
            table = torch.full((self.depth.numel(),), -1)
            keys = self.point_keys(ranking) if isinstance(ranking, VoxelPoolIndex) else ranking.voxels
            table[ranking.depths.long()] = keys.long()
            voxel_of.append(table)
        moved = int((voxel_of[0] != voxel_of[1]).sum())
        allowed = self.depth.numel() // 2000
        return f'{variant}: {moved} points are in other voxels, allowed are {allowed}' if moved > allowed else None

    def pool(self, depth: Tensor, feats: Tensor) -> Tensor:
        """Ours, ranking cached."""
        return voxel_pool(depth, feats, self.index).view(self.num_voxels, CHANNELS)

    def pool_with_prepare(self, depth: Tensor, feats: Tensor) -> Tensor:
        """Ours, ranking in the call."""
        return voxel_pool(depth, feats, self.prepare()).view(self.num_voxels, CHANNELS)

    def cumsum_cached(self, depth: Tensor, feats: Tensor) -> Tensor:
        """QuickCumsum, ranking cached."""
        return quick_cumsum_pool(depth, feats, self.kept, self.keys, self.num_voxels, sort=False)

    def cumsum_sorting(self, depth: Tensor, feats: Tensor) -> Tensor:
        """QuickCumsum, sort in the call."""
        return quick_cumsum_pool(depth, feats, *self.unsorted, self.num_voxels, sort=True)

    def index_add(self, depth: Tensor, feats: Tensor) -> Tensor:
        """Outer product and index_add, cells cached."""
        return index_add_pool(depth, feats, self.all_keys, self.num_voxels)


def with_gradients(pool: Callable[[Tensor, Tensor], Tensor], grad: Tensor) -> Callable[..., list[Tensor]]:
    """Forward and backward pass for a fixed gradient of the output."""

    def run(depth: Tensor, feats: Tensor) -> list[Tensor]:
        output = pool(depth, feats)
        return [output.detach(), *torch.autograd.grad(output, (depth, feats), grad)]

    return run


def existing(values: dict[str, Any], variants: dict[str, Any]) -> dict[str, Any]:
    """The entries of variants that are measured on this installation."""
    return {name: value for name, value in values.items() if name in variants}


def prepare_benchmark(scene: Scene) -> Benchmark:
    """Geometry and ranking from the matrices."""
    variants = {'FlashOCC prepare': scene.peer_prepare, **both('ours', scene.prepare)}
    floors = existing({'ours, torch': 4.0, 'ours, numba': 7.0}, variants)
    return Benchmark('pool_prepare', 'FlashOCC prepare', variants, scene.check_ranking, floors=floors)


def bev_variants(scene: Scene, wrap: Callable[..., Any] = lambda pool: pool) -> dict[str, Callable[..., Any]]:
    """All variants of BEV pooling; ``wrap`` makes the timed function of a pooling function."""
    return {
        'QuickCumsum, cached': wrap(scene.cumsum_cached),
        'QuickCumsum, sort in call': wrap(scene.cumsum_sorting),
        'outer + index_add': wrap(scene.index_add),
        # Wrapped inside of the switch, so that the backward pass is switched as well.
        **both('ours', wrap(scene.pool)),
        **both('ours with prepare', wrap(scene.pool_with_prepare)),
    }


def forward_benchmark(scene: Scene) -> Benchmark:
    """BEV pooling, forward."""
    variants = bev_variants(scene)
    moved = 4 * (scene.num_voxels * CHANNELS + scene.feats.numel() + scene.depth.numel() + 2 * len(scene.kept))
    return Benchmark(
        'pool_forward',
        'QuickCumsum, cached',
        variants,
        close_check(1e-4),
        setup=lambda: (scene.depth, scene.feats),
        floors=existing({'ours, torch': 60.0, 'ours, numba': 60.0}, variants),
        expected={'QuickCumsum, sort in call': 0.86, 'outer + index_add': 4.4},
        min_bytes=existing(dict.fromkeys(('ours, torch', 'ours, numba', 'ours, triton'), moved), variants),
        notes={'QuickCumsum, cached': NOTE_CACHED, 'outer + index_add': 'cells not timed'},
        rounds=ROUNDS,
    )


def training_benchmark(scene: Scene) -> Benchmark:
    """BEV pooling, forward and backward."""
    grad = torch.randn(scene.num_voxels, CHANNELS)
    variants = bev_variants(scene, lambda pool: with_gradients(pool, grad))
    return Benchmark(
        'pool_forward_backward',
        'QuickCumsum, cached',
        variants,
        close_check(1e-4),
        setup=lambda: (scene.depth.clone().requires_grad_(), scene.feats.clone().requires_grad_()),
        floors=existing({'ours, torch': 40.0, 'ours, numba': 60.0}, variants),
        memory_floors=existing({'ours, torch': 8.0, 'ours, numba': 8.0}, variants),
        expected={'QuickCumsum, sort in call': 0.78, 'outer + index_add': 2.65},
        notes={'QuickCumsum, cached': NOTE_CACHED, 'outer + index_add': 'cells not timed'},
        rounds=ROUNDS,
    )


def voxel_benchmark(scene: Scene) -> Benchmark:
    """Pooling into 200 x 200 x 16 voxels, forward; the hit rows are compared on the voxels that they hold."""
    buffer, check = VoxelBuffer(), close_check(1e-4)

    def check_rows(variant: str, result: Tensor, reference: Tensor) -> str | None:
        if len(result) == len(scene.index.voxels):
            outside = float(reference.abs().sum() - reference[scene.index.voxels].abs().sum())
            if abs(outside) > 1e-3 * float(reference.abs().sum()):
                return f'{variant}: the reference has values in voxels that no point hits'
            reference = reference[scene.index.voxels]
        return check(variant, result, reference)

    def reused(depth: Tensor, feats: Tensor) -> Tensor:
        return voxel_pool(depth, feats, scene.index, buffer).view(scene.num_voxels, CHANNELS)

    def rows(depth: Tensor, feats: Tensor) -> Tensor:
        return voxel_pool_rows(depth, feats, scene.index)

    return Benchmark(
        'pool_voxels_16',
        'outer + index_add',
        {
            'outer + index_add': scene.index_add,
            'QuickCumsum, sort in call': scene.cumsum_sorting,
            'ours, dense': scene.pool,
            'ours, dense in a reused buffer': reused,
            'ours, hit rows': rows,
        },
        check_rows,
        setup=lambda: (scene.depth, scene.feats),
        floors={'ours, dense': 3.0, 'ours, hit rows': 10.0},
        expected={'QuickCumsum, sort in call': 0.72},
        notes={'outer + index_add': 'cells not timed; ours: ' + NOTE_CACHED},
    )


def benchmarks(quick: bool) -> Iterator[Benchmark]:
    """Preparation, BEV pooling and voxel pooling; one at a time, so that only its inputs are in memory."""
    scene = Scene(1)
    yield prepare_benchmark(scene)
    yield forward_benchmark(scene)
    yield training_benchmark(scene)
    yield voxel_benchmark(Scene(16))
