"""What a ray reads of logits that are constant in each voxel, where a kernel finds the voxels on its way."""

from dataclasses import dataclass, fields
from functools import cached_property

import torch
from torch import Tensor

from projects.compute.precision import full_precision
from projects.rendering.bins import RayBins
from projects.rendering.grid import VoxelGrid

from .pieces import VoxelPieces
from .torch import cut_with_torch


@dataclass(frozen=True)
class VoxelRays(RayBins):
    """Rays that are not cut: :class:`VoxelPieces` without its tables.

    Args:
        origins (Tensor): Shape (B, R, 3).
        directions (Tensor): Shape (B, R, 3).
        grid (VoxelGrid): The voxels.
        enter (Tensor): Ray parameter at which the first piece begins, inside the grid. Shape (N,).
        leave (Tensor): Where the last one ends; a ray with ``leave <= enter`` has none. Shape (N,).
    """

    origins: Tensor
    directions: Tensor
    grid: VoxelGrid
    enter: Tensor
    leave: Tensor

    @cached_property
    def pieces(self) -> VoxelPieces:
        """The rays cut at the faces of voxels, for what cannot walk; cut once."""
        bins = {field.name: getattr(self, field.name) for field in fields(RayBins)}
        with torch.no_grad(), full_precision(self.origins):
            line = (self.origins, self.directions, self.grid, self.enter, self.leave)
            return VoxelPieces(**bins, **cut_with_torch(*line, packed=True))
