"""Voxel pooling of one calibration as gathers and products of matrices, for runtimes without a scatter that adds.

TensorRT reads the ScatterND of ONNX without its ``reduction``, and the TorchScript exporter refuses ``index_add`` where
a voxel occurs twice; sums over a fixed set of points need neither.

Shape letters: N cameras, C channels, D depth bins, fH x fW feature map, V voxels with a point, K points of a voxel.
"""

import math

import torch
from torch import Tensor, nn

from projects.occupancy.ops import VoxelPoolIndex


class FixedVoxelPool(nn.Module):
    """The sum of :func:`projects.occupancy.ops.voxel_pool` for a ranking that stays the same.

    Voxels of about as many points (1, 2, 3 to 4, 5 to 8, ...) are summed at once: a table (V, K) per group says where
    the depths and features of their points are. Less than half of such a table is filling, which reads a zero.

    Args:
        index (VoxelPoolIndex): Ranking of the points.
        num_depths (int): Size of the depth tensor, N * D * fH * fW.
    """

    places: Tensor

    def __init__(self, index: VoxelPoolIndex, num_depths: int) -> None:
        super().__init__()
        self.shape = index.shape
        offsets, counts = index.voxel_offsets.long(), index.voxel_offsets.long().diff()
        powers = 2 ** torch.arange(32, device=counts.device)
        groups = torch.bucketize(counts, powers)
        places = torch.zeros(math.prod(index.shape), dtype=torch.int64, device=counts.device)
        before = 1  # row 0 is that of the voxels without points
        self.sizes = groups.unique().tolist()
        for group in self.sizes:
            (voxels,) = torch.where(groups == group)
            slots = torch.arange(int(counts[voxels].max()), device=counts.device)
            filled = slots < counts[voxels, None]
            points = (offsets[voxels, None] + slots).where(filled, 0)
            depths = index.depths.long()[points].where(filled, num_depths)
            self.register_buffer(f'depths_{group}', depths.unsqueeze(1), persistent=False)
            self.register_buffer(f'pixels_{group}', index.pixels.long()[points], persistent=False)
            places[index.voxels[voxels]] = before + torch.arange(len(voxels), device=counts.device)
            before += len(voxels)
        self.register_buffer('places', places, persistent=False)

    def forward(self, depth: Tensor, context: Tensor) -> Tensor:
        """Pool the context into the grid.

        Args:
            depth (Tensor): Depth probabilities. Shape (N, D, fH, fW).
            context (Tensor): Context features. Shape (N, C, fH, fW).

        Returns:
            Tensor: Dense voxels (1, *grid, C) in the layout of the ranking; voxels without points are 0.
        """
        channels = context.shape[1]
        weights = torch.cat([depth.reshape(-1), depth.new_zeros(1)])
        rows = context.permute(0, 2, 3, 1).reshape(-1, channels)
        sums = [rows.new_zeros(1, channels)]
        for group in self.sizes:
            depths, pixels = self.get_buffer(f'depths_{group}'), self.get_buffer(f'pixels_{group}')
            sums.append((weights[depths] @ rows[pixels]).squeeze(1))  # (V, 1, K) @ (V, K, C)
        return torch.cat(sums)[self.places].view(*self.shape, channels)
