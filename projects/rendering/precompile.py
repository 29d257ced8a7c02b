"""Small renders that compile every kernel of this package that training, testing and reports use."""

from collections.abc import Callable
from functools import partial

import torch

from .bins import uniform_samples
from .grid import VoxelGrid
from .render import render_occupancy_samples
from .samples import prepare_ray_samples
from .traversal import find_first_hits


def _render(field: str, density: str, dtype: torch.dtype) -> None:
    """Forward and backward pass of rays that start in the middle of the grid."""
    grid = VoxelGrid([-2.0, -2.0, -2.0, 2.0, 2.0, 2.0], [4, 4, 4])
    rays_d = torch.tensor([[[1.0, 0.1, 0.2], [0.1, -1.0, 0.3]]])
    bins = uniform_samples((0.0, 2.0), 0.5)
    samples = prepare_ray_samples(torch.zeros_like(rays_d), rays_d, grid, *bins, field=field)
    logits = torch.ones(1, *grid.shape, 3).to(dtype).requires_grad_()
    render = render_occupancy_samples(logits, samples, density=density)
    (render.depths.sum() + render.semantics.sum() + render.weights.sum() + render.opacities.sum()).backward()


def _traverse() -> None:
    grid = VoxelGrid([-2.0, -2.0, -2.0, 2.0, 2.0, 2.0], [4, 4, 4])
    rays_d = torch.tensor([[1.0, 0.1, 0.2]])
    find_first_hits(torch.ones(grid.shape, dtype=torch.bool), torch.zeros_like(rays_d), rays_d, grid)


#: What to run, by what it is.
WORKLOADS: dict[str, Callable[[], None]] = {'first hits': _traverse}
for _field in ('voxel', 'trilinear'):
    for _density in ('log_odds', 'softplus_free'):
        for _dtype in (torch.float32, torch.bfloat16):
            _name = f'{_field}, {_density}, {str(_dtype).split(".")[-1]}'
            WORKLOADS[_name] = partial(_render, _field, _density, _dtype)
