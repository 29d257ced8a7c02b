"""Labels that a teacher gives to frames that have none.

Shape letters: B batch, X/Y/Z voxels, K classes.
"""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from .confidence import check_confidence, most_likely
from .groups import UNLABELLED


@MODELS.register_module()
class PseudoLabels(nn.Module):
    """Connector that takes the teacher's most likely classes as labels of frames without labels.

    The student's own kind of loss, once more among the losses of the Distiller, learns from them: class weights and
    Lovasz as with true labels.

    Source: self-training with a teacher's labels is common practice; frames that have labels keep theirs and get none
    here (default, not from a paper).

    Args:
        min_confidence (float): Positions whose most likely class is less probable get no label. Defaults to 0.
    """

    def __init__(self, min_confidence: float = 0.0) -> None:
        super().__init__()
        self.min_confidence = check_confidence(min_confidence)

    @torch.no_grad()
    def forward(self, logits: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """Make labels.

        Args:
            logits (Tensor): The teacher's, calibrated. Shape (B, ..., K).
            labels (Tensor): Class ids, all 255 in a frame without labels. Shape (B, ...).
            mask (Tensor, optional): Positions that may get a label, bool. Shape (B, ...). Defaults to None: all.

        Returns:
            Tensor: Class ids, 255 where there is no label. Shape (B, ...), uint8.
        """
        confidence, ids = most_likely(logits)
        sure = confidence >= self.min_confidence
        if mask is not None:
            sure = sure & mask
        without = (labels == UNLABELLED).flatten(1).all(dim=1)
        sure = sure & without.view(-1, *[1] * (sure.dim() - 1))
        return torch.where(sure, ids, UNLABELLED).to(torch.uint8)
