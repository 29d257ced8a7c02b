"""Voxel grids: coordinates, and where rays meet the box.

Shape letters: B batch, X/Y/Z voxels, C channels, ... any leading shape.

The centre of voxel ``i`` is at ``min + (i + 0.5) * size`` and its index is ``floor((p - min) / size)``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from projects.compute.asynchronous import constant


@dataclass(frozen=True)
class VoxelGrid:
    """An axis-aligned grid of box-shaped voxels.

    Args:
        point_cloud_range (Sequence[float]): (x_min, y_min, z_min, x_max, y_max, z_max) in metres.
        grid_size (Sequence[int]): Number of voxels along x, y and z.

    Raises:
        ValueError: If a range is empty or a size is not positive.
    """

    point_cloud_range: tuple[float, ...]
    grid_size: tuple[int, ...]

    def __init__(self, point_cloud_range: Sequence[float], grid_size: Sequence[int]) -> None:
        limits = tuple(float(value) for value in point_cloud_range)
        size = tuple(int(value) for value in grid_size)
        if len(limits) != 6 or any(low >= high for low, high in zip(limits[:3], limits[3:])):
            raise ValueError(f'point_cloud_range must be (x, y, z) minima then larger maxima, got {limits}')
        if len(size) != 3 or min(size) < 1:
            raise ValueError(f'grid_size must be three positive integers, got {size}')
        object.__setattr__(self, 'point_cloud_range', limits)
        object.__setattr__(self, 'grid_size', size)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels (X, Y, Z)."""
        return self.grid_size[0], self.grid_size[1], self.grid_size[2]

    @property
    def lower(self) -> tuple[float, float, float]:
        """Corner of the box with the smallest coordinates, in metres."""
        return self.point_cloud_range[0], self.point_cloud_range[1], self.point_cloud_range[2]

    @property
    def upper(self) -> tuple[float, float, float]:
        """Corner of the box with the largest coordinates, in metres."""
        return self.point_cloud_range[3], self.point_cloud_range[4], self.point_cloud_range[5]

    @property
    def voxel_size(self) -> tuple[float, float, float]:
        """Edge lengths of a voxel in metres."""
        sizes = [(high - low) / count for low, high, count in zip(self.lower, self.upper, self.grid_size)]
        return sizes[0], sizes[1], sizes[2]

    def voxel_centers(self, device: torch.device | str | None = None) -> Tensor:
        """World coordinates of all voxel centres. Shape (X, Y, Z, 3), float32."""
        axes = [
            low + (torch.arange(count, device=device, dtype=torch.float32) + 0.5) * size
            for low, count, size in zip(self.lower, self.grid_size, self.voxel_size)
        ]
        return torch.stack(torch.meshgrid(*axes, indexing='ij'), dim=-1)

    def world_to_voxel(self, points: Tensor, align_corners: bool = False) -> Tensor:
        """Continuous voxel coordinates, in which integer ``i`` is the sample point of voxel ``i``.

        Args:
            points (Tensor): World points in metres. Shape (..., 3).
            align_corners (bool): False: sample points are the voxel centres. True: the first and last sample points
                sit on the faces of the box, which stretches the volume by n / (n - 1); this is what released
                RadOcc-like renderers do and is kept for comparison only. Defaults to False.

        Returns:
            Tensor: Voxel coordinates. Shape (..., 3).
        """
        scale, offset = self.affine(align_corners)
        return points * constant(scale, points) + constant(offset, points)

    def voxel_to_world(self, coords: Tensor, align_corners: bool = False) -> Tensor:
        """Inverse of :meth:`world_to_voxel`."""
        scale, offset = self.affine(align_corners)
        return (coords - constant(offset, coords)) / constant(scale, coords)

    def affine(self, align_corners: bool = False) -> tuple[list[float], list[float]]:
        """Scale and offset per axis with ``coords = points * scale + offset``."""
        extents = [high - low for low, high in zip(self.lower, self.upper)]
        if align_corners:
            scale = [(count - 1) / extent for count, extent in zip(self.grid_size, extents)]
            return scale, [-low * s for low, s in zip(self.lower, scale)]
        scale = [count / extent for count, extent in zip(self.grid_size, extents)]
        return scale, [-low * s - 0.5 for low, s in zip(self.lower, scale)]

    def contains(self, points: Tensor) -> Tensor:
        """Whether points lie in the box (lower faces included, upper faces not). Shape (...)."""
        return ((points >= constant(self.lower, points)) & (points < constant(self.upper, points))).all(dim=-1)

    def check_volume(self, name: str, volume: Tensor) -> None:
        """Raise ValueError unless ``volume`` is (B, X, Y, Z, C) on this grid."""
        if volume.dim() != 5 or tuple(volume.shape[1:4]) != self.shape:
            raise ValueError(f'{name} must be (B, {", ".join(map(str, self.shape))}, C), got {tuple(volume.shape)}')


def ray_box_intersection(rays_o: Tensor, rays_d: Tensor, grid: VoxelGrid) -> tuple[Tensor, Tensor]:
    """Ray parameters at which rays enter and leave the box of a grid.

    Args:
        rays_o (Tensor): Origins. Shape (..., 3).
        rays_d (Tensor): Directions of any length; zero components are allowed. Shape (..., 3).
        grid (VoxelGrid): The box.

    Returns:
        tuple[Tensor, Tensor]: ``t_near`` and ``t_far``, each (...). A ray misses when ``t_near >= t_far``.
        ``t_near`` is negative when the origin is inside.
    """
    faces = constant((*grid.lower, *grid.upper), rays_o).view(2, 3)
    # A ray along a face divides by zero: the quotients are infinite with the signs that say on which side it runs, once
    # -0 is 0. In a face it is 0 / 0: inside of the lower one (-inf to inf), outside of the upper one (-inf to -inf).
    speed = (rays_d + 0.0).unsqueeze(-2)
    first, last = ((faces - rays_o.unsqueeze(-2)) / speed).nan_to_num(-math.inf, math.inf, -math.inf).aminmax(dim=-2)
    return first.amax(dim=-1), last.amin(dim=-1)
