"""L1 and L2 distance of feature maps (FitNets, arXiv:1412.6550), with a mask."""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

NORMS = ('l1', 'l2')


def check_norm(norm: str) -> str:
    """Return the norm.

    Raises:
        ValueError: If it is none of :data:`NORMS`.
    """
    if norm not in NORMS:
        raise ValueError(f'norm must be one of {NORMS}, got {norm!r}')
    return norm


def feature_distance(student: Tensor, teacher: Tensor, norm: str = 'l2', mask: Tensor | None = None) -> Tensor:
    """Mean absolute or squared difference of two feature maps.

    Args:
        student (Tensor): Feature maps. Shape (B, C, ...). Gradients flow to it.
        teacher (Tensor): Feature maps of the same shape; detached here.
        norm (str): 'l1' (absolute) or 'l2' (squared difference). Defaults to 'l2'.
        mask (Tensor, optional): Positions that count, bool or weights. Shape (B, ...), without channels.
            Defaults to None (all).

    Returns:
        Tensor: A scalar in float32, averaged over channels and the positions of the mask; 0 when it is empty.

    Raises:
        ValueError: If shapes differ or the norm is unknown.
    """
    if student.shape != teacher.shape:
        raise ValueError(
            f'student {tuple(student.shape)} and teacher {tuple(teacher.shape)} features must agree; '
            f'put a ProjectionConnector before the loss'
        )
    check_norm(norm)
    difference = student.float() - teacher.detach().float()
    distance = difference.abs() if norm == 'l1' else difference.square()
    if mask is None:
        return distance.mean()
    expected = (student.shape[0], *student.shape[2:])
    if mask.shape != expected:
        raise ValueError(f'mask must be {tuple(expected)} like the features without channels, got {tuple(mask.shape)}')
    weight = mask.to(distance.dtype)
    total = weight.sum()
    return (distance.mean(dim=1) * weight).sum() / torch.where(total > 0, total, torch.ones_like(total))


@MODELS.register_module()
class FeatureMatchLoss(nn.Module):
    """Module of :func:`feature_distance`.

    Args:
        norm (str): 'l1' or 'l2'. Defaults to 'l2'.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    def __init__(self, norm: str = 'l2', loss_weight: float = 1.0) -> None:
        super().__init__()
        self.norm = check_norm(norm)
        self.loss_weight = loss_weight

    def forward(self, student_feat: Tensor, teacher_feat: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the weighted loss of feature maps (B, C, ...) where the mask (B, ...) says so, a scalar."""
        return self.loss_weight * feature_distance(student_feat, teacher_feat, self.norm, mask)
