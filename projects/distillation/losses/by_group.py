"""Losses that count every group of classes alike, however many positions it has.

Shape letters: B batch, G groups, M positions of a group, K classes.
"""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from .feature import check_norm, feature_distance
from .kl_divergence import KL_KINDS, check_kl, class_divergence, standardise

KINDS = (*KL_KINDS, 'cosine')


def grouped_logit_loss(
    student: Tensor,
    teacher: Tensor,
    index: Tensor,
    weight: Tensor,
    kind: str = 'kl',
    tau: float = 1.0,
    standardised: bool = False,
) -> Tensor:
    r"""Difference of logits at chosen positions: mean over the positions of a group, then over groups and samples.

    Args:
        student (Tensor): Logits. Shape (B, ..., K). Gradients flow to it.
        teacher (Tensor): Logits of the same shape; detached here.
        index (Tensor): Positions in ``flatten(1, -2)``. Shape (B, G, M).
        weight (Tensor): Weight of each group. Shape (B, G).
        kind (str): 'kl' for KL(teacher || student) of the softmax times the square of the temperature, 'reverse_kl' for
            KL(student || teacher), 'cosine' for 1 - cosine of the logits (EFFOcc). Defaults to 'kl'.
        tau (float): Temperature of the two KL divergences. Defaults to 1.0.
        standardised (bool): Whether logits are brought to mean 0 and variance 1 at each position before (Sun et al.,
            CVPR 2024); with 'cosine' this is one minus their correlation. Defaults to False.

    Returns:
        Tensor: A scalar in float32; 0 when no group has a weight.

    Raises:
        ValueError: If shapes differ.
    """
    if student.shape != teacher.shape:
        raise ValueError(f'student {tuple(student.shape)} and teacher {tuple(teacher.shape)} logits must agree')
    rows = index.flatten(1)[..., None].expand(-1, -1, student.shape[-1])
    z_s, z_t = (z.flatten(1, -2).gather(1, rows).float() for z in (student, teacher.detach()))
    if standardised:
        z_s, z_t = standardise(z_s), standardise(z_t)
    if kind == 'cosine':
        values = 1 - F.cosine_similarity(z_s, z_t, dim=-1)
    else:
        values = tau**2 * class_divergence(z_s, z_t, tau, kind)
    means = values.unflatten(1, index.shape[1:]).mean(dim=-1)
    return (means * weight).sum() / weight.sum().clamp_min(1e-12)


@MODELS.register_module()
class GroupedLogitLoss(nn.Module):
    """Module of :func:`grouped_logit_loss`; ``ClassGroupSampler`` gives the positions.

    Args:
        kind (str): 'kl', 'reverse_kl' or 'cosine'. Defaults to 'kl'.
        tau (float): Temperature. Defaults to 1.0.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
        standardised (bool): Whether logits are standardised at each position. Defaults to False.
    """

    def __init__(
        self, kind: str = 'kl', tau: float = 1.0, loss_weight: float = 1.0, standardised: bool = False
    ) -> None:
        super().__init__()
        check_kl(kind, tau, KINDS)
        self.kind, self.tau, self.standardised, self.loss_weight = kind, tau, standardised, loss_weight

    def forward(self, student_logits: Tensor, teacher_logits: Tensor, index: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted loss of logits (B, ..., K) at ``index`` (B, G, M)."""
        loss = grouped_logit_loss(student_logits, teacher_logits, index, weight, self.kind, self.tau, self.standardised)
        return self.loss_weight * loss


@MODELS.register_module()
class GroupedFeatureLoss(nn.Module):
    """Distance of feature maps, each group of cells divided by its own area (EFFOcc).

    Args:
        norm (str): 'l1' or 'l2'. Defaults to 'l2'.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    def __init__(self, norm: str = 'l2', loss_weight: float = 1.0) -> None:
        super().__init__()
        self.norm, self.loss_weight = check_norm(norm), loss_weight

    def forward(self, student_feat: Tensor, teacher_feat: Tensor, masks: Tensor) -> Tensor:
        """Return the weighted loss, summed over the groups as EFFOcc does.

        Args:
            student_feat (Tensor): Shape (B, C, Y, X).
            teacher_feat (Tensor): Shape (B, C, Y, X).
            masks (Tensor): Bool, from ``ColumnGroups``. Shape (B, G, Y, X).

        Raises:
            ValueError: If shapes differ.
        """
        parts = [feature_distance(student_feat, teacher_feat, self.norm, mask) for mask in masks.unbind(1)]
        return self.loss_weight * torch.stack(parts).sum()
