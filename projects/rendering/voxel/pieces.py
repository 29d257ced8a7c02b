"""What a ray reads of logits that are constant in each voxel: pieces between the faces of voxels."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from projects.rendering.bins import RayBins


@dataclass(frozen=True)
class VoxelPieces(RayBins):
    """The M pieces of rays, one for each voxel that a ray passes, without gaps.

    Args:
        ray_offsets (Tensor): What belongs to ray ``n`` is at ``ray_offsets[n]:ray_offsets[n + 1]``. Shape (N + 1,).
        piece_voxel (Tensor): Row of the voxel in the flattened (B*X*Y*Z) volume. Shape (M,), int32.
        piece_span (Tensor): Start and end of each piece in ray parameter. Shape (M, 2).
        packed (bool): False when every ray has as many pieces, some without length, so that no shape depends on the
            data.
    """

    ray_offsets: Tensor
    piece_voxel: Tensor
    piece_span: Tensor
    packed: bool = True

    @cached_property
    def most_per_ray(self) -> int:
        """Pieces of the ray that has most, at least 1. A GPU is waited for once, not for each render."""
        return max(1, int(self.ray_offsets.diff().max())) if len(self.ray_offsets) > 1 else 1
