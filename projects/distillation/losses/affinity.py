"""Affinity between positions (structured knowledge distillation, Liu et al., arXiv:1903.04197)."""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.compute.precision import full_precision


def affinity_loss(student: Tensor, teacher: Tensor) -> Tensor:
    r"""Mean squared difference of the cosine similarities between all pairs of positions.

    .. math:: L = \frac{1}{B N^2} \sum_{b,i,j} (\cos(s_{bi}, s_{bj}) - \cos(t_{bi}, t_{bj}))^2

    Student and teacher may differ in their number of channels. Memory grows with :math:`N^2`: pool large maps first.

    Args:
        student (Tensor): Feature maps. Shape (B, C, ...), flattened to N positions. Gradients flow to it.
        teacher (Tensor): Feature maps. Shape (B, C', ...) with the same positions; detached here.

    Returns:
        Tensor: A scalar in float32.

    Raises:
        ValueError: If batch or spatial sizes differ.
    """
    if student.dim() < 3 or (student.shape[0], student.shape[2:]) != (teacher.shape[0], teacher.shape[2:]):
        raise ValueError(
            f'student {tuple(student.shape)} and teacher {tuple(teacher.shape)} must be (B, C, ...) with equal B and '
            f'spatial sizes'
        )
    # Autocast would take the products in half precision, in which small differences and their squares are 0.
    with full_precision(student):
        student_unit = nn.functional.normalize(student.flatten(2).float(), dim=1)
        teacher_unit = nn.functional.normalize(teacher.detach().flatten(2).float(), dim=1)
        student_affinity = torch.einsum('bci,bcj->bij', student_unit, student_unit)
        teacher_affinity = torch.einsum('bci,bcj->bij', teacher_unit, teacher_unit)
        return (student_affinity - teacher_affinity).square().mean()


@MODELS.register_module()
class AffinityMatchLoss(nn.Module):
    """Module of :func:`affinity_loss`.

    Args:
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, student_feat: Tensor, teacher_feat: Tensor) -> Tensor:
        """Return the weighted loss of feature maps (B, C, ...) and (B, C', ...), a scalar."""
        return self.loss_weight * affinity_loss(student_feat, teacher_feat)
