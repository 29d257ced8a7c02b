"""Differentiable volume rendering and voxel traversal in torch, with numba as an optional fast path on the CPU."""

from .bins import RayBins, jitter_samples, uniform_samples
from .cameras import (
    image_pixels,
    matrix_product,
    pixels_to_rays,
    project_points,
    resize_matrix,
    scale_intrinsics,
)
from .distribution import ray_distribution, ray_kl_divergence
from .grid import VoxelGrid, ray_box_intersection
from .optical import optical_depths
from .render import RenderedRays, render_occupancy_rays, render_occupancy_samples
from .samples import RaySamples, prepare_ray_samples
from .traversal import FirstHits, find_first_hits
from .trilinear.lookup import lookup_trilinear
from .views import RenderedView, view_of
from .weights import accumulate_along_rays, median_depths, render_weight_from_density

__all__ = [
    'FirstHits',
    'RayBins',
    'RaySamples',
    'RenderedRays',
    'RenderedView',
    'VoxelGrid',
    'accumulate_along_rays',
    'find_first_hits',
    'image_pixels',
    'jitter_samples',
    'lookup_trilinear',
    'matrix_product',
    'median_depths',
    'optical_depths',
    'pixels_to_rays',
    'prepare_ray_samples',
    'project_points',
    'ray_box_intersection',
    'ray_distribution',
    'ray_kl_divergence',
    'render_occupancy_rays',
    'render_occupancy_samples',
    'render_weight_from_density',
    'resize_matrix',
    'scale_intrinsics',
    'uniform_samples',
    'view_of',
]
