"""Supervision of the matching costs of a stereo model.

Shape letters: B batch, D disparities, h x w cost volume, H x W network input.
"""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from .pixels import pick_pixels


def nearest_depth_in_cells(gt_depth: Tensor, stride: int) -> Tensor:
    """Nearest measurement in each cell of ``stride`` x ``stride`` pixels; 0 where there is none.

    Args:
        gt_depth (Tensor): Depth in metres, 0 = none. Shape (B, H, W), sides multiples of ``stride``.
        stride (int): Side of a cell in pixels.

    Returns:
        Tensor: Shape (B, H // stride, W // stride).
    """
    depth = torch.where(gt_depth > 0, gt_depth, torch.full_like(gt_depth, float('inf')))
    nearest = -F.max_pool2d(-depth[:, None], stride)[:, 0]
    return torch.where(torch.isfinite(nearest), nearest, torch.zeros_like(nearest))


def disparity_cross_entropy(match_logits: Tensor, disparity: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy with the two disparities around the true one, weighted by how near they are.

    The mean of such a target is the true disparity, so soft-argmax is trained below the size of a cell.

    Args:
        match_logits (Tensor): Logits over disparities 0 .. D - 1. Shape (B, D, h, w).
        disparity (Tensor): True disparity in cells. Shape (B, h, w).
        mask (Tensor): Where it is known. Shape (B, h, w), bool.

    Returns:
        Tensor: Scalar; 0 with a zero gradient when no cell has a disparity in [0, D - 1].
    """
    count = match_logits.shape[1]
    mask = mask & (disparity >= 0) & (disparity <= count - 1)
    logits, true, weight = pick_pixels(mask, match_logits.movedim(1, -1), disparity)
    log_prob = logits.log_softmax(-1)
    low = true.floor().clamp_max(count - 2)
    upper = (true - low)[:, None]
    index = low.long()[:, None]
    picked = (1 - upper) * log_prob.gather(1, index) + upper * log_prob.gather(1, index + 1)
    return -(weight * picked.squeeze(1)).sum() / weight.sum().clamp_min(1)


@MODELS.register_module()
class DisparityMatchLoss(nn.Module):
    """Module of :func:`disparity_cross_entropy` on depth maps of the size of the network input.

    Args:
        loss_weight (float): Weight of the loss. Defaults to 1.0 (not from a paper).
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, match_logits: Tensor, focal_baseline: Tensor, gt_depth: Tensor) -> Tensor:
        """Weighted loss.

        Args:
            match_logits (Tensor): Logits over disparities in cells. Shape (B, D, h, w).
            focal_baseline (Tensor): Focal length (pixels of the network input) times baseline (metres). Shape (B,).
            gt_depth (Tensor): Depth in metres, 0 = none. Shape (B, H, W).

        Returns:
            Tensor: Scalar.
        """
        stride = gt_depth.shape[-1] // match_logits.shape[-1]
        depth = nearest_depth_in_cells(gt_depth, stride)
        mask = depth > 0
        disparity = focal_baseline[:, None, None] / (depth.clamp_min(1e-3) * stride)
        return self.loss_weight * disparity_cross_entropy(match_logits, disparity, mask)
