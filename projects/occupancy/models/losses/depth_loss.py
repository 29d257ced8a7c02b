"""Supervision of the depth distribution with LiDAR depth.

Shape letters: B batch, N cameras, D depth bins, H x W network input, fH x fW feature map.
"""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from projects.compute.asynchronous import constant, kept
from projects.compute.precision import computed_dtype, full_precision
from projects.occupancy.models.depth_bins import bin_numbers


def depth_bin_targets(
    gt_depth: Tensor, depth_range: tuple[float, float, float], downsample: int, spacing: str = 'even'
) -> Tensor:
    """Bin of the nearest LiDAR return in each cell of the feature map.

    Args:
        gt_depth (Tensor): z-depth in metres, 0 where there is none. Shape (..., H, W).
        depth_range (tuple[float, float, float]): Start, end and step of the bins in metres; bin i covers
            ``[start + i * step, start + (i + 1) * step)``.
        downsample (int): Side of a cell in pixels.
        spacing (str): 'even' for bins of one step, 'log' for as many that widen with the depth. Defaults to 'even'.

    Returns:
        Tensor: Bin numbers, -1 where no return lies inside the bins. Shape (..., H // downsample, W // downsample).

    Raises:
        ValueError: If H or W is not a multiple of ``downsample``.
    """
    H, W = gt_depth.shape[-2:]
    if H % downsample or W % downsample:
        raise ValueError(f'gt_depth of {H} x {W} does not divide into cells of {downsample} pixels')
    depth = torch.where(gt_depth > 0, gt_depth, constant([float('inf')], gt_depth)).float()
    cells = depth.reshape(*depth.shape[:-2], H // downsample, downsample, W // downsample, downsample)
    return bin_numbers(cells.amin((-3, -1)), depth_range, spacing)


def lidar_depth_loss(depth_logits: Tensor, bins: Tensor) -> Tensor:
    """Binary cross-entropy between the depth distribution and the one-hot bin.

    Summed over the bins and averaged over the cells that hold a LiDAR return. Source: BEVDepth (arXiv:2206.10092).

    Args:
        depth_logits (Tensor): Logits before the softmax over bins. Shape (B * N, D, fH, fW).
        bins (Tensor): Bin number of each cell, -1 for none. Shape (B * N, fH, fW).

    Returns:
        Tensor: Scalar; 0 with a zero gradient when no cell has a return.
    """
    if depth_logits.shape[:1] + depth_logits.shape[2:] != bins.shape:
        raise ValueError(
            f'bins must be (B * N, fH, fW) like the depth logits {tuple(depth_logits.shape)}, got {tuple(bins.shape)}; '
            'is gt_depth of the size of the network input?'
        )
    with full_precision(depth_logits):
        dtype = computed_dtype(depth_logits)
        chosen = _loss_of_known_cells if depth_logits.device.type == 'cpu' else _loss_of_all_cells
        return chosen(depth_logits, bins, dtype)


def _loss_of_all_cells(depth_logits: Tensor, bins: Tensor, dtype: torch.dtype) -> Tensor:
    """Reads all cells and weighs those without a return with 0, so that a GPU is not waited for."""
    known = (bins >= 0).to(dtype)
    probs = depth_logits.to(dtype).softmax(1)
    target = (bins.unsqueeze(1) == kept(_numbers, (probs.shape[1],), bins)).to(dtype)
    weight = known.unsqueeze(1).expand_as(probs)
    return F.binary_cross_entropy(probs, target, weight, reduction='sum') / known.sum().clamp(min=1)


def _numbers(count: int, device: torch.device) -> Tensor:
    return torch.arange(count, device=device).view(count, 1, 1)


def _loss_of_known_cells(depth_logits: Tensor, bins: Tensor, dtype: torch.dtype) -> Tensor:
    """The same, which reads only the cells with a return: faster on a CPU, where looking for them is no wait."""
    flat_bins = bins.flatten()
    (cells,) = torch.where(flat_bins >= 0)
    logits = depth_logits.movedim(1, -1).reshape(-1, depth_logits.shape[1]).index_select(0, cells).to(dtype)
    target = F.one_hot(flat_bins.index_select(0, cells), depth_logits.shape[1]).to(dtype)
    return F.binary_cross_entropy(logits.softmax(1), target, reduction='sum') / torch.sym_max(cells.shape[0], 1)


@MODELS.register_module()
class LiDARDepthLoss(nn.Module):
    """Module form of :func:`lidar_depth_loss` on depth maps of the size of the network input.

    Args:
        loss_weight (float): Factor of the loss. Defaults to 0.05, the value of BEVDet-Occ and RadOcc.
    """

    def __init__(self, loss_weight: float = 0.05) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(
        self,
        depth_logits: Tensor,
        gt_depth: Tensor,
        depth_range: tuple[float, float, float],
        downsample: int,
        spacing: str = 'even',
    ) -> Tensor:
        """Weighted loss.

        Args:
            depth_logits (Tensor): Logits before the softmax over bins. Shape (B * N, D, fH, fW).
            gt_depth (Tensor): z-depth in metres, 0 = none. Shape (B, N, H, W).
            depth_range (tuple[float, float, float]): Start, end and step of the bins in metres.
            downsample (int): Side of a cell of the feature map in pixels.
            spacing (str): See :func:`depth_bin_targets`. Defaults to 'even'.

        Returns:
            Tensor: Scalar.
        """
        bins = depth_bin_targets(gt_depth.flatten(0, 1), depth_range, downsample, spacing)
        return self.loss_weight * lidar_depth_loss(depth_logits, bins)
