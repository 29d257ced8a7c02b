"""KL divergence of class distributions (Hinton et al., arXiv:1503.02531), in both directions.

The reverse direction as in MiniLLM (Gu et al., arXiv:2306.08543); standardised logits after Sun et al., "Logit
Standardization in Knowledge Distillation", CVPR 2024 (arXiv:2403.01427).
"""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

KL_KINDS = ('kl', 'reverse_kl')
_VARIANCE_FLOOR = 1e-6
"""Added to the variance, so that equal logits have a gradient (default, not from the paper)."""


def standardise(logits: Tensor) -> Tensor:
    """Logits of each position with mean 0 and variance 1 (Sun et al., CVPR 2024).

    Student and teacher then need not agree in the size of their logits, only in their order and ratios. The variance
    has Bessel's correction, as in the authors' code.

    Args:
        logits (Tensor): Shape (..., C).

    Returns:
        Tensor: The same shape.
    """
    variance, mean = torch.var_mean(logits, dim=-1, keepdim=True)
    return (logits - mean) * (variance + _VARIANCE_FLOOR).rsqrt()


def check_kl(kind: str, tau: float, kinds: tuple[str, ...] = KL_KINDS) -> None:
    """Refuse an unknown kind or a temperature that is not positive.

    Raises:
        ValueError: Names the option.
    """
    if kind not in kinds:
        raise ValueError(f'kind must be one of {kinds}, got {kind!r}')
    if tau <= 0:
        raise ValueError(f'tau must be positive, got {tau}')


def class_divergence(student: Tensor, teacher: Tensor, tau: float, kind: str) -> Tensor:
    """KL divergence of the classes of each position, without the factor of the temperature.

    Args:
        student (Tensor): Logits. Shape (..., C).
        teacher (Tensor): Logits of the same shape.
        tau (float): Temperature.
        kind (str): 'kl' for KL(teacher || student), 'reverse_kl' for KL(student || teacher).

    Returns:
        Tensor: Shape (...), in nats.
    """
    if tau != 1:
        student, teacher = student / tau, teacher / tau
    log_s, log_t = student.log_softmax(dim=-1), teacher.log_softmax(dim=-1)
    p, q = (log_t, log_s) if kind == 'kl' else (log_s, log_t)
    return (p.exp() * (p - q)).sum(dim=-1)


def kl_divergence(
    student: Tensor,
    teacher: Tensor,
    tau: float = 1.0,
    mask: Tensor | None = None,
    kind: str = 'kl',
    standardised: bool = False,
) -> Tensor:
    r"""KL divergence of the teacher's class distribution from the student's.

    .. math:: L = \frac{\tau^2}{|M|} \sum_{i \in M} \sum_c p^t_{ic} (\log p^t_{ic} - \log p^s_{ic}),
        \quad p = \mathrm{softmax}(z / \tau)

    The classes are the **last** dimension. The divergence is summed over classes and averaged over positions, so
    its size does not depend on the size of the grid.

    Args:
        student (Tensor): Logits. Shape (..., C). Gradients flow to it.
        teacher (Tensor): Logits of the same shape; detached here.
        tau (float): Temperature :math:`\tau`. Defaults to 1.0.
        mask (Tensor, optional): Positions that count, of the shape without classes; bool, or weights from 0 to 1 such
            as those of ``VoxelTrust``. Defaults to None (all).
        kind (str): 'kl' as above, or 'reverse_kl' for KL(student || teacher), which leaves classes out that the
            teacher excludes. Defaults to 'kl'.
        standardised (bool): Whether logits are brought to mean 0 and variance 1 before: :func:`standardise`. Defaults
            to False.

    Returns:
        Tensor: A scalar in float32; 0 when the mask is empty.

    Raises:
        ValueError: If shapes differ, the kind is unknown or ``tau`` is not positive.
    """
    if student.shape != teacher.shape:
        raise ValueError(f'student {tuple(student.shape)} and teacher {tuple(teacher.shape)} logits must agree')
    if mask is not None and mask.shape != student.shape[:-1]:
        raise ValueError(f'mask must be {tuple(student.shape[:-1])} like the logits, got {tuple(mask.shape)}')
    check_kl(kind, tau)
    z_s, z_t = student.float(), teacher.detach().float()
    if standardised:
        z_s, z_t = standardise(z_s), standardise(z_t)
    divergence = class_divergence(z_s, z_t, tau, kind)
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
        kind (str): 'kl' or 'reverse_kl'. Defaults to 'kl'.
        standardised (bool): Whether logits are standardised at each position. Defaults to False.
    """

    def __init__(
        self, tau: float = 1.0, loss_weight: float = 1.0, kind: str = 'kl', standardised: bool = False
    ) -> None:
        super().__init__()
        check_kl(kind, tau)
        self.tau, self.kind, self.standardised = tau, kind, standardised
        self.loss_weight = loss_weight

    def forward(self, student_logits: Tensor, teacher_logits: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the weighted loss of logits (..., C), a scalar; ``mask`` (...) is bool, or weights from 0 to 1."""
        loss = kl_divergence(student_logits, teacher_logits, self.tau, mask, self.kind, self.standardised)
        return self.loss_weight * loss
