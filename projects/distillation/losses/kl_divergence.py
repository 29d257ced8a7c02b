"""KL divergence of class distributions (Hinton et al., arXiv:1503.02531)."""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn


def kl_divergence(student: Tensor, teacher: Tensor, tau: float = 1.0, mask: Tensor | None = None) -> Tensor:
    r"""KL divergence of the teacher's class distribution from the student's.

    .. math:: L = \frac{\tau^2}{|M|} \sum_{i \in M} \sum_c p^t_{ic} (\log p^t_{ic} - \log p^s_{ic}),
        \quad p = \mathrm{softmax}(z / \tau)

    The classes are the **last** dimension. The divergence is summed over classes and averaged over positions, so
    its size does not depend on the size of the grid.

    Args:
        student (Tensor): Logits. Shape (..., C). Gradients flow to it.
        teacher (Tensor): Logits of the same shape; detached here.
        tau (float): Temperature :math:`\tau`. Defaults to 1.0.
        mask (Tensor, optional): Positions that count, of the shape without classes; bool. Defaults to None (all).

    Returns:
        Tensor: A scalar in float32; 0 when the mask is empty.

    Raises:
        ValueError: If shapes differ or ``tau`` is not positive.
    """
    if student.shape != teacher.shape:
        raise ValueError(f'student {tuple(student.shape)} and teacher {tuple(teacher.shape)} logits must agree')
    if mask is not None and mask.shape != student.shape[:-1]:
        raise ValueError(f'mask must be {tuple(student.shape[:-1])} like the logits, got {tuple(mask.shape)}')
    if tau <= 0:
        raise ValueError(f'tau must be positive, got {tau}')
    log_student = torch.log_softmax(student.float() / tau, dim=-1)
    log_teacher = torch.log_softmax(teacher.detach().float() / tau, dim=-1)
    divergence = (log_teacher.exp() * (log_teacher - log_student)).sum(dim=-1)
    if mask is None:
        return tau**2 * divergence.mean()
    weight = mask.to(divergence.dtype)
    return tau**2 * (divergence * weight).sum() / weight.sum().clamp(min=1)


@MODELS.register_module()
class LogitKLLoss(nn.Module):
    """Module of :func:`kl_divergence`.

    Args:
        tau (float): Temperature. Defaults to 1.0.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    def __init__(self, tau: float = 1.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.tau = tau
        self.loss_weight = loss_weight

    def forward(self, student_logits: Tensor, teacher_logits: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the weighted loss.

        Args:
            student_logits (Tensor): Shape (..., C).
            teacher_logits (Tensor): Shape (..., C).
            mask (Tensor, optional): Shape (...). Defaults to None.

        Returns:
            Tensor: A scalar.
        """
        return self.loss_weight * kl_divergence(student_logits, teacher_logits, self.tau, mask)
