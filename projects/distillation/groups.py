"""Positions by groups of classes, so that a loss can weigh rare groups like common ones.

Shape letters: B batch, X/Y/Z voxels, K classes, G groups, M positions of a group.
"""

from collections.abc import Sequence

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.compute.asynchronous import constant, kept

from .confidence import check_confidence, most_likely

UNLABELLED = 255
_GOLDEN = 0.6180339887498949
"""Steps of this size fill the unit interval evenly."""


def group_of_class(groups: Sequence[Sequence[int]], num_classes: int, device: torch.device | None = None) -> Tensor:
    """Index of the group of each class, -1 for none. Shape (K,), int64.

    Raises:
        ValueError: If a group is empty, a class is in two of them, or an id is negative.
    """
    table = [-1] * num_classes
    for index, classes in enumerate(_check_groups(groups)):
        for id_ in classes:
            table[id_] = index
    return torch.tensor(table, device=device)


def groups_at(ids: Tensor, groups: Sequence[Sequence[int]], num_classes: int) -> Tensor:
    """Index of the group of each class id, -1 for none; a GPU is not waited for.

    Args:
        ids (Tensor): Class ids below ``num_classes``, int64. Any shape.
        groups (Sequence[Sequence[int]]): See :func:`group_of_class`.
        num_classes (int): K.

    Returns:
        Tensor: Same shape, int64.
    """
    return kept(group_of_class, (tuple(tuple(classes) for classes in groups), num_classes), ids)[ids]


def _check_groups(groups: Sequence[Sequence[int]]) -> list[list[int]]:
    lists = [list(classes) for classes in groups]
    members = [id_ for classes in lists for id_ in classes]
    if not lists or not all(lists) or len(set(members)) < len(members) or min(members) < 0:
        raise ValueError(f'groups must be lists of class ids, none of them empty and no id twice, got {lists}')
    return lists


@MODELS.register_module()
class ClassGroupSampler(nn.Module):
    """Choose as many positions of each group of classes, among those where the teacher can be trusted.

    The class of a position is that of its label, or the teacher's most likely one where there is no label. Where there
    is a label, the teacher is trusted if it says the same; elsewhere, if it is sure enough. Positions are taken at
    equal steps through each group, and the first moves with every call, so nothing is drawn at random and a resumed
    training takes the same ones.

    Source: normalising by region is EFFOcc's (foreground, background, empty); the sampling and the trust are defaults
    of this project, not from a paper.

    Args:
        groups (Sequence[Sequence[int]]): Class ids of each group; classes of no group are left out.
        num_positions (int): M. Defaults to 8192.
        min_confidence (float): Smallest probability of the teacher's class where there is no label. Defaults to 0.
        trust_labels (bool): Whether labelled positions count only where the teacher agrees. Defaults to True.
    """

    calls: Tensor

    def __init__(
        self,
        groups: Sequence[Sequence[int]],
        num_positions: int = 8192,
        min_confidence: float = 0.0,
        trust_labels: bool = True,
    ) -> None:
        super().__init__()
        self.groups = _check_groups(groups)
        self.num_positions, self.trust_labels = num_positions, trust_labels
        self.min_confidence = check_confidence(min_confidence)
        self.register_buffer('calls', torch.zeros((), dtype=torch.float64))

    @torch.no_grad()
    def forward(self, logits: Tensor, labels: Tensor | None = None, mask: Tensor | None = None) -> dict[str, Tensor]:
        """Choose positions.

        Args:
            logits (Tensor): The teacher's. Shape (B, ..., K).
            labels (Tensor, optional): Class ids, 255 where there is none. Shape (B, ...). Defaults to None: no labels.
            mask (Tensor, optional): Positions that may be chosen, bool. Shape (B, ...). Defaults to None: all.

        Returns:
            dict[str, Tensor]: ``index`` (B, G, M) int64, positions in ``logits.flatten(1, -2)``; ``weight`` (B, G), 0
            where a sample has no such position, else 1.
        """
        flat = logits.float().flatten(1, -2)
        confidence, ids = most_likely(flat)
        trusted = confidence >= self.min_confidence
        if labels is not None:
            labels = labels.flatten(1).long()
            has_label = labels != UNLABELLED
            trusted = torch.where(has_label, (labels == ids) | (not self.trust_labels), trusted)
            ids = torch.where(has_label, labels, ids)
        if mask is not None:
            trusted = trusted & mask.flatten(1)
        group = torch.where(trusted, groups_at(ids, self.groups, flat.shape[-1]), -1)
        self.calls += 1
        places = (torch.arange(self.num_positions, device=ids.device) + (self.calls * _GOLDEN) % 1) / self.num_positions
        # Members of each group up to each position: a list of them would make the host wait for their number.
        numbers = constant(range(len(self.groups)), group)
        reached = (group[:, None] == numbers[:, None]).cumsum(dim=-1, dtype=torch.int32)
        count = reached[..., -1:]
        rank = torch.minimum((places * count).int(), count - 1)
        index = torch.searchsorted(reached, rank + 1)
        return {'index': index, 'weight': (count.squeeze(-1) > 0).to(flat.dtype)}


@MODELS.register_module()
class ColumnGroups(nn.Module):
    """Columns of a volume by the first group of classes that they hold, as masks for BEV features.

    Source: EFFOcc's regions of BEV features: columns with foreground, others with background, empty ones.

    Args:
        groups (Sequence[Sequence[int]]): Class ids of each group, the one that wins a column first.
        stride (int): Voxels along x and y per cell of the feature. Defaults to 1.
    """

    def __init__(self, groups: Sequence[Sequence[int]], stride: int = 1) -> None:
        super().__init__()
        self.groups, self.stride = _check_groups(groups), stride

    @torch.no_grad()
    def forward(self, logits: Tensor) -> Tensor:
        """Masks of the groups.

        Args:
            logits (Tensor): The teacher's. Shape (B, X, Y, Z, K).

        Returns:
            Tensor: Shape (B, G, Y / stride, X / stride), bool; a cell is in at most one group.
        """
        group = groups_at(logits.argmax(dim=-1), self.groups, logits.shape[-1])
        s, masks = self.stride, []
        taken = torch.zeros_like(group[:, ::s, ::s, 0], dtype=torch.bool)
        for g in range(len(self.groups)):
            columns = (group == g).any(dim=3)
            cells = columns.unflatten(1, (-1, s)).unflatten(3, (-1, s)).any(dim=4).any(dim=2)
            masks.append(cells & ~taken)
            taken = taken | cells
        return torch.stack(masks, dim=1).transpose(2, 3)
