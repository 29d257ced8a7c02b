"""Samples of rays inside a voxel grid, which every method that renders prepares in one way.

Shape letters: B batch, R rays per sample.
"""

from collections.abc import Sequence
from typing import Any

from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.compute.asynchronous import kept
from projects.rendering import RaySamples, VoxelGrid, jitter_samples, prepare_ray_samples, uniform_samples


@MODELS.register_module()
class RaySampleGeometry(nn.Module):
    """Samples along rays inside a voxel grid, which several renders share.

    Args:
        point_cloud_range (Sequence[float]): Box of the voxel grid in metres.
        grid_size (Sequence[int]): Number of voxels along x, y and z.
        t_range (Sequence[float]): Range of the ray parameter in metres: z-depth along rays of cameras, distance along
            rays of unit length. Defaults to (0, 57.4), as in the author's code of RadOcc.
        step (float): Length of a sample in the same metres. Defaults to 0.2, half a voxel, as in the author's code.
        jitter (bool): Shift the samples of a ray by a random part of a step while training. Defaults to False.
        align_corners (bool): Read the volume as the author's code does, stretched by n / (n - 1). For comparison
            only. Defaults to False.
        field (str): 'trilinear' interpolates the logits between voxel centres, as in the author's code. 'voxel' takes
            them as constant in each voxel and cuts the rays at its faces: another model of the scene, exact and
            several times faster. Defaults to 'trilinear'.
    """

    def __init__(
        self,
        point_cloud_range: Sequence[float],
        grid_size: Sequence[int],
        t_range: Sequence[float] = (0.0, 57.4),
        step: float = 0.2,
        jitter: bool = False,
        align_corners: bool = False,
        field: str = 'trilinear',
    ) -> None:
        super().__init__()
        self.grid = VoxelGrid(point_cloud_range, grid_size)
        self.t_range = (float(t_range[0]), float(t_range[1]))
        self.step = step
        self.jitter = jitter
        self.align_corners = align_corners
        if field not in ('trilinear', 'voxel'):
            raise ValueError(f"field must be 'trilinear' or 'voxel', got {field!r}")
        self.field = field

    @property
    def voxel_size(self) -> float:
        """Shortest edge of a voxel in metres."""
        return min(self.grid.voxel_size)

    def prepare(self, rays_o: Tensor, rays_d: Tensor) -> dict[str, Any]:
        """What rays of shape (B, R, 3) need to be rendered several times: ``samples`` and ``voxel_size``."""
        return {'samples': self(rays_o, rays_d), 'voxel_size': self.voxel_size}

    def forward(self, rays_o: Tensor, rays_d: Tensor) -> RaySamples:
        """Prepare rays of shape (B, R, 3)."""
        t_starts, t_ends = kept(uniform_samples, (self.t_range, self.step), rays_o)
        if self.jitter and self.training:
            t_starts, t_ends = jitter_samples(t_starts, t_ends, rays_o.shape[0] * rays_o.shape[1])
        bins = (t_starts, t_ends)
        return prepare_ray_samples(rays_o, rays_d, self.grid, *bins, self.align_corners, field=self.field)
