"""Channel-wise distillation (Shu et al., arXiv:2011.13256)."""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn


def channel_wise_divergence(student: Tensor, teacher: Tensor, tau: float = 1.0) -> Tensor:
    r"""KL divergence between the spatial distributions of each channel.

    .. math:: L = \frac{\tau^2}{B C} \sum_{b,c} \sum_i \phi(t_{bc})_i \log \frac{\phi(t_{bc})_i}{\phi(s_{bc})_i},
        \quad \phi(x) = \mathrm{softmax}_i(x_i / \tau)

    Args:
        student (Tensor): Feature maps. Shape (B, C, ...), spatial dimensions last. Gradients flow to it.
        teacher (Tensor): Feature maps of the same shape; detached here.
        tau (float): Temperature. Defaults to 1.0.

    Returns:
        Tensor: A scalar in float32.

    Raises:
        ValueError: If shapes differ, have no spatial dimension, or ``tau`` is not positive.
    """
    if student.shape != teacher.shape or student.dim() < 3:
        raise ValueError(
            f'student {tuple(student.shape)} and teacher {tuple(teacher.shape)} must agree and be (B, C, ...)'
        )
    if tau <= 0:
        raise ValueError(f'tau must be positive, got {tau}')
    log_student = torch.log_softmax(student.flatten(2).float() / tau, dim=-1)
    log_teacher = torch.log_softmax(teacher.detach().flatten(2).float() / tau, dim=-1)
    return tau**2 * (log_teacher.exp() * (log_teacher - log_student)).sum(dim=-1).mean()


@MODELS.register_module()
class CWDLoss(nn.Module):
    """Module of :func:`channel_wise_divergence`.

    Args:
        tau (float): Temperature. Defaults to 1.0.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    def __init__(self, tau: float = 1.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.tau = tau
        self.loss_weight = loss_weight

    def forward(self, student_feat: Tensor, teacher_feat: Tensor) -> Tensor:
        """Return the weighted loss of feature maps (B, C, ...), a scalar."""
        return self.loss_weight * channel_wise_divergence(student_feat, teacher_feat, self.tau)
