"""What a ray reads of logits that are interpolated between voxel centres: one sample in the middle of each bin."""

from dataclasses import dataclass

from torch import Tensor

from projects.rendering.bins import RayBins


@dataclass(frozen=True)
class TrilinearSamples(RayBins):
    """The M samples of rays inside the grid and the cells of eight voxel centres in which they are.

    Args:
        ray_offsets (Tensor): What belongs to ray ``n`` is at ``ray_offsets[n]:ray_offsets[n + 1]``. Shape (N + 1,).
        sample_index (Tensor): ``ray * S + bin`` of each kept sample, ascending. Shape (M,), int64.
        sample_base (Tensor): Row of the first corner voxel in the flattened (B*X*Y*Z) volume. Shape (M,), int32.
        sample_frac (Tensor): Position inside the cell. Shape (M, 3).
        sample_inside (Tensor, optional): None when only inside samples are kept. Otherwise all N * S samples are kept
            (M = N * S, shapes do not depend on the data) and this marks those inside the grid. Shape (M,), bool.
    """

    ray_offsets: Tensor
    sample_index: Tensor
    sample_base: Tensor
    sample_frac: Tensor
    sample_inside: Tensor | None = None

    @property
    def packed(self) -> bool:
        """Whether only samples inside the grid are kept."""
        return self.sample_inside is None

    @property
    def t_mids(self) -> Tensor:
        """Where each sample looks into the volume. Shape of ``t_starts``."""
        return 0.5 * (self.t_starts + self.t_ends)
