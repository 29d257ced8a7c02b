"""LiDAR points to a bird's-eye-view feature map, in PyTorch; without gradients on the CPU in numba.

Shape letters: B batch, P points of the whole batch, C channels, S height slices, Y/X cells of the BEV grid.
"""

from collections.abc import Sequence

import torch
from mmcv.cnn import build_norm_layer
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from projects.compute.asynchronous import constant
from projects.compute.precision import full_precision
from projects.compute.tensors import numba_usable


@MODELS.register_module()
class PillarEncoder(BaseModule):
    """PointNet per pillar (PointPillars, arXiv:1812.05784), on the CPU and CUDA without custom ops.

    Each point sees itself, its offset to the mean of its pillar and its offset to the centre of its pillar; a linear
    layer, normalisation and ReLU follow, and each pillar keeps the maximum. There is no limit on points per pillar,
    and an empty cloud gives zeros. The encoder computes in float32 under autocast.

    With ``num_slices`` > 1 a pillar is cut into slices of equal height whose features lie side by side in the
    channels, so that a 2D network knows the height of what it sees. (Our addition, not from a paper.)

    Args:
        point_cloud_range (Sequence[float]): x, y, z minimum, then maximum, in metres.
        pillar_size (Sequence[float]): Size (x, y) of a pillar in metres.
        channels (int): Channels of each slice. Defaults to 64.
        num_slices (int): S, slices per pillar. Defaults to 1.
        in_channels (int): Values per point: x, y, z, intensity and time. Defaults to 5.
        intensity_scale (float): The intensity is divided by this. Defaults to 255.0.
        norm_cfg (dict): Normalisation over points. Defaults to BN1d with eps 1e-3 and momentum 0.01.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        point_cloud_range: Sequence[float],
        pillar_size: Sequence[float],
        channels: int = 64,
        num_slices: int = 1,
        in_channels: int = 5,
        intensity_scale: float = 255.0,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if len(point_cloud_range) != 6 or len(pillar_size) != 2:
            raise ValueError(
                f'point_cloud_range needs 6 values and pillar_size 2, got {point_cloud_range} and {pillar_size}'
            )
        low, high = point_cloud_range[:3], point_cloud_range[3:]
        size = [*pillar_size, (high[2] - low[2]) / num_slices]
        self.grid_shape = [round((top - bottom) / step) for bottom, top, step in zip(low, high, size)]
        self.register_buffer('lower', torch.tensor(low, dtype=torch.float32), persistent=False)
        self.register_buffer('cell_size', torch.tensor(size, dtype=torch.float32), persistent=False)
        self.channels, self.num_slices = channels, num_slices
        self.in_channels, self.intensity_scale = in_channels, intensity_scale
        self.linear = nn.Linear(in_channels + 6, channels, bias=False)
        self.norm = build_norm_layer(norm_cfg or {'type': 'BN1d', 'eps': 1e-3, 'momentum': 0.01}, channels)[1]

    @property
    def out_channels(self) -> int:
        """Channels of the BEV feature."""
        return self.channels * self.num_slices

    def forward(self, points: Sequence[Tensor]) -> Tensor:
        """Encode a batch of clouds.

        Args:
            points (Sequence[Tensor]): One cloud per sample. Shape (P_i, in_channels) or wider.

        Returns:
            Tensor: BEV feature of shape (B, S * C, Y, X), float32, 0 where no point lies.

        Raises:
            ValueError: If a cloud has fewer than ``in_channels`` columns.
        """
        for cloud in points:
            if cloud.dim() != 2 or cloud.shape[1] < self.in_channels:
                raise ValueError(f'points must be (P, >= {self.in_channels}), got {tuple(cloud.shape)}')
        with full_precision(points[0]):
            return self._encode(points)

    def _encode(self, points: Sequence[Tensor]) -> Tensor:
        nx, ny, _ = self.grid_shape
        canvas = self._encode_for_inference(points) if self._numba_fits(points) else self._encode_with_torch(points)
        return canvas.view(len(points), ny, nx, self.out_channels).permute(0, 3, 1, 2)

    def _numba_fits(self, points: Sequence[Tensor]) -> bool:
        """Whether there are no gradients, the normalisation is one fixed factor and sum, and numba reads the points."""
        fixed = isinstance(self.norm, nn.modules.batchnorm._BatchNorm) and self.norm.running_var is not None
        return (
            not torch.is_grad_enabled()
            and fixed
            and not self.norm.training
            and all(tensor.dtype == torch.float32 for tensor in (*points, self.linear.weight))
            and numba_usable(*points, self.linear.weight)
        )

    def _encode_for_inference(self, points: Sequence[Tensor]) -> Tensor:
        """Features of all cells, of shape (B * Y * X * S, C), in one pass over the points."""
        from projects.occupancy.ops.numba_pillars import encode_pillars_with_numba

        norm = self.norm
        scale = torch.rsqrt(norm.running_var + norm.eps)
        scale = scale if norm.weight is None else scale * norm.weight
        shift = -norm.running_mean * scale
        shift = shift if norm.bias is None else shift + norm.bias
        geometry = (self.lower, self.cell_size, self.grid_shape)
        weight = self.linear.weight * scale[:, None]
        return encode_pillars_with_numba(points, *geometry, self.intensity_scale, weight, shift)

    def _encode_with_torch(self, points: Sequence[Tensor]) -> Tensor:
        """Features of all cells, of shape (B * Y * X * S, C)."""
        nx, ny, _ = self.grid_shape
        S, C = self.num_slices, self.channels
        clouds = torch.cat([cloud[:, : self.in_channels].float() for cloud in points])
        cells = ((clouds[:, :3] - self.lower) / self.cell_size).floor().long()
        inside = ((cells >= 0) & (cells < constant(self.grid_shape, cells))).all(1)
        num_cells = len(points) * ny * nx * S
        key = (cells * constant([S, nx * S, 1], cells)).sum(1)
        for i, of_cloud in enumerate(key.split([len(cloud) for cloud in points])):
            if i:
                of_cloud += i * (ny * nx * S)
        if self.norm.training or torch.is_grad_enabled():
            # Points outside have no part in the statistics of the batch, and their gradients might be NaN.
            (kept,) = torch.where(inside)
            clouds, cells, key = (part.index_select(0, kept) for part in (clouds, cells, key))
        else:
            # Without them in a cell of their own, for which a GPU is not waited for.
            key = torch.where(inside, key, constant([num_cells], key))
        hidden = self._embed(self._decorate(clouds, cells, key, num_cells + 1))
        # ReLU makes every feature >= 0, so the maximum with an empty canvas of zeros is the maximum of the pillar.
        canvas = hidden.new_zeros(num_cells + 1, C)
        return canvas.scatter_reduce_(0, key.unsqueeze(1).expand(-1, C), hidden, 'amax')[:num_cells]

    def _decorate(self, clouds: Tensor, cells: Tensor, key: Tensor, num_cells: int) -> Tensor:
        """Append the offsets to the mean and to the centre of the cell: (P, F) -> (P, F + 6)."""
        xyz1 = F.pad(clouds[:, :3], (0, 1), value=1.0)
        sums = xyz1.new_zeros(num_cells, 4).index_add_(0, key, xyz1).index_select(0, key)
        mean = sums[:, :3] / sums[:, 3:].clamp(min=1)
        centre = self.lower + (cells + 0.5) * self.cell_size
        values = torch.cat([clouds[:, :3], clouds[:, 3:4] / self.intensity_scale, clouds[:, 4:]], 1)
        return torch.cat([values, clouds[:, :3] - mean, clouds[:, :3] - centre], 1)

    def _embed(self, values: Tensor) -> Tensor:
        """Linear layer, normalisation, ReLU: (P, F) -> (P, C).

        Batch statistics need two rows, and every process must take part in those of SyncBN: a batch with less gets
        rows of zeros, whose results are dropped.
        """
        count = len(values)
        padded = values if count >= 2 else F.pad(values, (0, 0, 0, 2 - count))
        return F.relu(self.norm(self.linear(padded)))[:count]
