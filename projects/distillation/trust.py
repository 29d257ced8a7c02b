"""How far a teacher can be trusted, voxel by voxel: by its labels where there are, by its confidence elsewhere.

Shape letters: B batch, X/Y/Z voxels, K classes.
"""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from .confidence import check_confidence
from .groups import UNLABELLED


@torch.no_grad()
def voxel_trust(
    logits: Tensor, labels: Tensor | None = None, mask: Tensor | None = None, min_confidence: float = 0.0
) -> Tensor:
    """Trust in each position of a teacher, from 0 to 1.

    Where there is a label it is the teacher's probability of that label (how right it is); elsewhere it is its
    probability of the class that it says itself (how sure it is).

    Args:
        logits (Tensor): The teacher's. Shape (B, ..., K).
        labels (Tensor, optional): Class ids, 255 where there is none. Shape (B, ...). Defaults to None: no labels.
        mask (Tensor, optional): Labels that count, such as ``mask_camera``, bool. Shape (B, ...). Defaults to None.
        min_confidence (float): Smallest probability that counts where there is no label; below it trust is 0. Defaults
            to 0.

    Returns:
        Tensor: Shape (B, ...), float32, without gradient.

    Raises:
        ValueError: If labels or mask have another shape than the logits without classes.
    """
    for name, value in (('labels', labels), ('mask', mask)):
        if value is not None and value.shape != logits.shape[:-1]:
            raise ValueError(f'{name} must be {tuple(logits.shape[:-1])} like the logits, got {tuple(value.shape)}')
    log_sum = logits.float().logsumexp(dim=-1)
    sure = (logits.float().amax(dim=-1) - log_sum).exp()
    sure = torch.where(sure >= min_confidence, sure, torch.zeros_like(sure))
    if labels is None:
        return sure
    has_label = labels != UNLABELLED
    if mask is not None:
        has_label = has_label & mask
    ids = torch.where(has_label, labels, torch.zeros_like(labels)).long()
    right = (logits.gather(-1, ids[..., None])[..., 0].float() - log_sum).exp()
    return torch.where(has_label, right, sure)


@MODELS.register_module()
class VoxelTrust(nn.Module):
    """Connector of :func:`voxel_trust`: weights of voxels for the ``mask`` of ``LogitKLLoss``.

    Source: LabelDistill (ECCV 2024) argues that a teacher's errors must not be taught; probability of the label and
    confidence as weights are defaults of this project, not from a paper.

    Args:
        min_confidence (float): See :func:`voxel_trust`. Defaults to 0.
    """

    def __init__(self, min_confidence: float = 0.0) -> None:
        super().__init__()
        self.min_confidence = check_confidence(min_confidence)

    def forward(self, logits: Tensor, labels: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Return the trust (B, ...) in logits (B, ..., K); labels and mask (B, ...)."""
        return voxel_trust(logits, labels, mask, self.min_confidence)
