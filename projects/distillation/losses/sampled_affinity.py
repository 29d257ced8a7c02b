"""Relations between chosen voxels: rows of Gram matrices (CRKD and the author's code of RadOcc compare such).

Shape letters: B batch, G groups, M positions of a group, P = G * M positions, C channels.
"""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from projects.compute.precision import full_precision


def gram_rows(vectors: Tensor) -> Tensor:
    r"""Gram matrix :math:`Z Z^T` with rows of length one.

    Args:
        vectors (Tensor): Shape (B, P, C).

    Returns:
        Tensor: Shape (B, P, P); rows of zero vectors are zero.
    """
    return F.normalize(torch.einsum('bpc,bqc->bpq', vectors, vectors), dim=-1)


def sampled_affinity_loss(
    student: Tensor, teacher: Tensor, index: Tensor, weight: Tensor, channels_last: bool = True
) -> Tensor:
    r"""Squared difference of the relations that each chosen position has to all others.

    .. math:: L = \frac{1}{|P|} \sum_{p} \Big\| \frac{(Z_S Z_S^T)_p}{\|(Z_S Z_S^T)_p\|}
        - \frac{(Z_T Z_T^T)_p}{\|(Z_T Z_T^T)_p\|} \Big\|^2

    Summed over a row, averaged over the rows that count, as in the author's code of RadOcc
    (``compute_inter_affinity_loss``). Student and teacher may differ in channels. Memory grows with the square of the
    number of positions: 2,048 are 16 MB a matrix and sample.

    Args:
        student (Tensor): Features or logits. Shape (B, ..., C), or (B, C, ...). Gradients flow to it.
        teacher (Tensor): The same positions, C' channels; detached here.
        index (Tensor): Positions in the flattened dimensions without channels, of ``ClassGroupSampler``. (B, G, M).
        weight (Tensor): Groups that a sample has, 1 or 0. Shape (B, G).
        channels_last (bool): Where the channels are: last, as in logits, or second, as in features. Defaults to True.

    Returns:
        Tensor: A scalar in float32; 0 when no group has a weight.

    Raises:
        ValueError: If student and teacher differ in batch or positions.
    """
    z_s, z_t = (x.flatten(1, -2) if channels_last else x.flatten(2).mT for x in (student, teacher.detach()))
    if z_s.shape[:2] != z_t.shape[:2]:
        raise ValueError(
            f'student {tuple(student.shape)} and teacher {tuple(teacher.shape)} must have the same samples and '
            f'positions, with channels {"last" if channels_last else "second"}'
        )
    counts = (weight > 0)[..., None].expand_as(index).flatten(1)
    rows = []
    with full_precision(student):
        for z in (z_s, z_t):
            chosen = z.gather(1, index.flatten(1)[..., None].expand(-1, -1, z.shape[-1])).float()
            rows.append(gram_rows(chosen * counts[..., None]))
        per_row = (rows[0] - rows[1]).square().sum(dim=-1)
    return per_row.sum() / counts.sum().clamp_min(1)


@MODELS.register_module()
class SampledAffinityLoss(nn.Module):
    """Module of :func:`sampled_affinity_loss`; ``ClassGroupSampler`` gives the positions.

    Args:
        channels_last (bool): True for logits (B, ..., C), False for features (B, C, ...). Defaults to True.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    def __init__(self, channels_last: bool = True, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.channels_last, self.loss_weight = channels_last, loss_weight

    def forward(self, student_feat: Tensor, teacher_feat: Tensor, index: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted loss of features or logits at ``index`` (B, G, M)."""
        loss = sampled_affinity_loss(student_feat, teacher_feat, index, weight, self.channels_last)
        return self.loss_weight * loss
