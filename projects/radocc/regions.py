"""Weights of rays by what the teacher sees at their end, so that small objects count like roads and sky.

Shape letters: B batch, R rays, K - 1 rendered classes, G groups.
"""

from collections.abc import Mapping, Sequence

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.distillation import groups_at


def balanced_weights(group: Tensor, num_groups: int, min_share: float) -> Tensor:
    """Weights with which every group that is there has the same sum, but for one that is too small for it.

    Args:
        group (Tensor): Group of each ray, -1 for none. Shape (B, R).
        num_groups (int): G.
        min_share (float): Part of the rays; a smaller group is weighted as if it had so many.

    Returns:
        Tensor: From 0 to 1, the largest of a sample being 1; 0 where there is no group. Shape (B, R), float32.
    """
    counts = torch.stack([(group == g).sum(dim=1) for g in range(num_groups)], dim=1)
    sizes = counts.clamp_min(max(1, round(min_share * group.shape[1]))).float()
    smallest = torch.where(counts > 0, sizes, torch.inf).amin(dim=1, keepdim=True)
    weights = (smallest / sizes).clamp(max=1).gather(1, group.clamp_min(0))
    return torch.where(group >= 0, weights, torch.zeros_like(weights))


@MODELS.register_module()
class RayRegions(nn.Module):
    """Connector that weighs rays so that every region has the same say, for ``trust`` of RDC and of the semantic KL.

    A ray belongs to the group of the teacher's most likely rendered class, or to the last one, empty space, where the
    teacher hits nothing.

    Source: normalising by region (foreground, background, empty) is EFFOcc's, for voxels; for rays it is a default of
    this project, not from a paper.

    Args:
        groups (Sequence[Sequence[int]]): Rendered classes of each group; rays of other classes do not count.
        min_opacity (float): Rays of smaller teacher opacity hit nothing. Defaults to 0.1.
        min_share (float): See :func:`balanced_weights`. Defaults to 0.02.
    """

    def __init__(self, groups: Sequence[Sequence[int]], min_opacity: float = 0.1, min_share: float = 0.02) -> None:
        super().__init__()
        self.groups = [list(classes) for classes in groups]
        self.min_opacity, self.min_share = min_opacity, min_share

    @torch.no_grad()
    def forward(self, rendered: Mapping[str, Tensor]) -> Tensor:
        """Weigh rays.

        Args:
            rendered (Mapping[str, Tensor]): The teacher's render, with ``semantics`` (B, R, K - 1) and ``opacities``
                (B, R).

        Returns:
            Tensor: Shape (B, R), from 0 to 1, without gradient.
        """
        semantics = rendered['semantics']
        group = groups_at(semantics.argmax(dim=-1), self.groups, semantics.shape[-1])
        group = torch.where(rendered['opacities'] >= self.min_opacity, group, len(self.groups))
        return balanced_weights(group, len(self.groups) + 1, self.min_share)
