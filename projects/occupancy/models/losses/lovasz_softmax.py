"""Lovasz-softmax loss over voxels: a differentiable surrogate of the mean IoU.

Source: Berman et al., CVPR 2018 (arXiv:1705.08790). The stronger student of RadOcc adds it to the cross-entropy.

Shape letters: M selected voxels, K classes.
"""

from collections.abc import Sequence

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.compute.precision import full_precision
from projects.compute.tensors import numba_usable

from .masked_cross_entropy import select_voxels


def _descending_order(errors: Tensor) -> Tensor:
    """Order that sorts non-negative errors from large to small.

    The bits of non-negative floats order like integers, and integers sort about seven times faster on the CPU.
    """
    if errors.dtype == torch.float32:
        errors = errors.view(torch.int32)
    return errors.neg().sort(stable=True)[1]


def _lovasz_grad(foreground: Tensor) -> Tensor:
    """Gradient of the Lovasz extension of the Jaccard loss for a class.

    Args:
        foreground (Tensor): 1 where the voxel is of the class, sorted by falling error. Shape (M,).

    Returns:
        Tensor: Growth of the Jaccard loss when the voxel joins the errors. Shape (M,).
    """
    found = foreground.cumsum(0)
    missed = found[-1:] - found
    # The union grows by one with every voxel that is not of the class.
    union = missed + torch.arange(1, len(found) + 1, device=found.device, dtype=found.dtype)
    jaccard = 1 - missed / union
    return jaccard.diff(prepend=torch.zeros_like(jaccard[:1]))


def lovasz_growth(errors: Tensor, ids: Tensor, labels: Sequence[int]) -> Tensor:
    """How much the Jaccard loss of a class grows when a voxel joins the errors, in the order of falling errors.

    Args:
        errors (Tensor): Not negative, without gradient. Shape (K, M).
        ids (Tensor): Class ids. Shape (M,).
        labels (Sequence[int]): Classes that count; the rows of others are 0.

    Returns:
        Tensor: In the order of the voxels. Shape (K, M).
    """
    if errors.dtype == torch.float32 and numba_usable(errors):
        from projects.occupancy.ops.numba_lovasz import lovasz_growth_with_numba

        return lovasz_growth_with_numba(errors, ids, labels)
    growth = torch.zeros_like(errors)
    for label in labels:
        order = _descending_order(errors[label])
        foreground = (ids.index_select(0, order) == label).to(errors.dtype)
        growth[label].index_copy_(0, order, _lovasz_grad(foreground))
    return growth


def lovasz_softmax_loss(logits: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    r"""Mean over the present classes of the Lovasz extension of ``1 - IoU``.

    Args:
        logits (Tensor): Class logits. Shape (..., K).
        target (Tensor): Class ids; 255 is ignored. Shape (...).
        mask (Tensor, optional): True where the voxel counts. Shape (...). Defaults to None: everywhere.

    Returns:
        Tensor: Scalar in [0, 1]; 0 with a zero gradient when no voxel is selected.
    """
    with full_precision(logits):
        return _of_selected(*select_voxels(logits, target, mask))


def _of_selected(chosen: Tensor, ids: Tensor) -> Tensor:
    if ids.shape[0] == 0:
        return chosen.sum()
    if chosen.device.type != 'cpu':
        return lovasz_of_present_classes(chosen, ids)
    return lovasz_of_classes(chosen, ids, torch.bincount(ids).nonzero().flatten().tolist())


def lovasz_of_present_classes(logits: Tensor, ids: Tensor) -> Tensor:
    """:func:`lovasz_of_classes` of the classes that are there, all sorted at once and without asking which these are.

    A GPU is faster so: no class has launches of its own, and the host does not wait. On a CPU it would sort the absent
    classes for nothing.

    Args:
        logits (Tensor): Class logits. Shape (M, K), M at least 1.
        ids (Tensor): Class ids. Shape (M,).

    Returns:
        Tensor: Scalar in [0, 1].
    """
    probs = logits.softmax(1).t().contiguous()
    foreground = torch.zeros_like(probs, dtype=torch.int8).scatter_(0, ids[None], 1)
    errors = (foreground - probs).abs()
    order = errors.detach().sort(dim=1, descending=True, stable=True)[1]
    # Sums of integers repeat bit by bit in any order.
    found = foreground.gather(1, order).cumsum(1, dtype=torch.int32)
    missed = found[:, -1:] - found
    # The union grows by one with every voxel that is not of the class; what is kept of it begins with all.
    union = missed + torch.arange(1, missed.shape[1] + 1, device=missed.device, dtype=errors.dtype)
    left = errors.new_ones(len(missed), missed.shape[1] + 1)
    torch.div(missed, union, out=left[:, 1:])
    growth = torch.empty_like(errors).scatter_(1, order, left[:, :-1] - left[:, 1:])
    present = found[:, -1] > 0
    return (errors * (growth * present.unsqueeze(1))).sum() / present.sum()


def lovasz_of_classes(logits: Tensor, ids: Tensor, labels: Sequence[int]) -> Tensor:
    """Mean over some classes of the Lovasz extension of ``1 - IoU``.

    Args:
        logits (Tensor): Class logits. Shape (M, K).
        ids (Tensor): Class ids. Shape (M,).
        labels (Sequence[int]): Classes to average.

    Returns:
        Tensor: Scalar in [0, 1].
    """
    probs = logits.softmax(1).t().contiguous()
    foreground = torch.zeros_like(probs).scatter_(0, ids[None], 1.0)
    errors = (foreground - probs).abs()
    # In the order of the voxels, not of the errors: a gradient through sorted errors would be added up place by place.
    growth = lovasz_growth(errors.detach(), ids, labels)
    return torch.dot(errors.flatten(), growth.flatten()) / len(labels)


@MODELS.register_module()
class OccLovaszLoss(nn.Module):
    """Module form of :func:`lovasz_softmax_loss`.

    Args:
        loss_weight (float): Factor of the loss. Defaults to 1.0.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Weighted loss; arguments as in the function."""
        return self._weighted(lovasz_softmax_loss(logits, target, mask))

    def of_selected(self, chosen: Tensor, ids: Tensor) -> Tensor:
        """Weighted loss of what :func:`select_voxels` gives, which it does not select again."""
        with full_precision(chosen):
            return self._weighted(_of_selected(chosen, ids))

    def _weighted(self, loss: Tensor) -> Tensor:
        return loss if self.loss_weight == 1 else self.loss_weight * loss
