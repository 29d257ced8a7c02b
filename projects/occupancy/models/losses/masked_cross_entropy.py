"""Cross-entropy over the voxels that a mask selects.

Shape letters: M selected voxels, K classes.
"""

from collections.abc import Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from projects.compute.precision import full_precision
from projects.compute.tensors import is_fake
from projects.occupancy.classes import UNLABELLED


class _SelectRows(torch.autograd.Function):
    """``rows.index_select(0, index)`` where no row is selected twice.

    So the gradient is copied, not added: five times as fast, and on CUDA without atomics.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.shape = rows.shape
        return rows.index_select(0, index)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        (index,) = ctx.saved_tensors
        return grad.new_zeros(ctx.shape).index_copy_(0, index, grad), None


def select_voxels(logits: Tensor, target: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Keep the voxels that a loss looks at, so that it costs nothing on the others.

    Args:
        logits (Tensor): Class logits with the classes last. Shape (..., K).
        target (Tensor): Class ids; 255 is left out. Shape (...).
        mask (Tensor, optional): True where the voxel counts. Shape (...). Defaults to None: everywhere.

    Returns:
        tuple[Tensor, Tensor]: Logits (M, K) in float32 or float64 and ids (M,) int64.

    Raises:
        ValueError: If the shapes do not fit each other.
    """
    if logits.shape[:-1] != target.shape or (mask is not None and mask.shape != target.shape):
        mask_shape = None if mask is None else tuple(mask.shape)
        raise ValueError(
            f'logits must be (*target, num_classes) and mask like target; got logits {tuple(logits.shape)}, '
            f'target {tuple(target.shape)}, mask {mask_shape}'
        )
    keep = target != UNLABELLED
    if mask is not None:
        keep = keep & mask.bool()
    (index,) = torch.where(keep.flatten())
    rows = logits.reshape(-1, logits.shape[-1])
    everything = not is_fake(rows) and len(index) == len(rows)
    chosen = rows if everything else _SelectRows.apply(rows, index)
    if chosen.dtype != torch.float64:
        chosen = chosen.float()
    return chosen, (target.flatten() if everything else target.flatten().index_select(0, index)).long()


def masked_cross_entropy_loss(
    logits: Tensor, target: Tensor, mask: Tensor | None = None, class_weight: Tensor | None = None
) -> Tensor:
    """Cross-entropy summed over the selected voxels and divided by their number.

    Source: the occupancy loss of BEVDet-Occ and FlashOcc, which RadOcc keeps (voxels of ``mask_camera``, no class
    weights).

    Args:
        logits (Tensor): Class logits. Shape (..., K).
        target (Tensor): Class ids; 255 is ignored. Shape (...).
        mask (Tensor, optional): True where the voxel counts. Shape (...). Defaults to None: everywhere.
        class_weight (Tensor, optional): Weight of each class. Shape (K,). Defaults to None.

    Returns:
        Tensor: Scalar; 0 with a zero gradient when no voxel is selected.
    """
    with full_precision(logits):
        return _of_selected(*select_voxels(logits, target, mask), class_weight)


def _of_selected(chosen: Tensor, ids: Tensor, class_weight: Tensor | None, factor: float = 1.0) -> Tensor:
    weight = None if class_weight is None else class_weight.to(chosen.dtype)
    return F.cross_entropy(chosen, ids, weight=weight, reduction='sum') * (factor / torch.sym_max(ids.shape[0], 1))


@MODELS.register_module()
class MaskedCrossEntropyLoss(nn.Module):
    """Module form of :func:`masked_cross_entropy_loss`.

    Args:
        class_weight (Sequence[float], optional): Weight of each class. Defaults to None: all 1.
        loss_weight (float): Factor of the loss. Defaults to 1.0.
    """

    def __init__(self, class_weight: Sequence[float] | None = None, loss_weight: float = 1.0) -> None:
        super().__init__()
        weight = None if class_weight is None else torch.tensor(list(class_weight), dtype=torch.float32)
        self.register_buffer('class_weight', weight, persistent=False)
        self.has_zero_weight = class_weight is not None and 0 in list(class_weight)
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Weighted loss; arguments as in the function."""
        return self.loss_weight * masked_cross_entropy_loss(logits, target, mask, self.class_weight)

    def of_selected(self, chosen: Tensor, ids: Tensor) -> Tensor:
        """Weighted loss of what :func:`select_voxels` gives, which it does not select again."""
        with full_precision(chosen):
            return _of_selected(chosen, ids, self.class_weight, self.loss_weight)
