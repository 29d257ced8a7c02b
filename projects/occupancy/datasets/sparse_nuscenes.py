"""The grid of the sparse task: nuScenes lidarseg by voxels."""

from dataclasses import replace

from mmdet3d.registry import DATASETS

from projects.occupancy.classes import OCC3D

from .occ3d_nuscenes import Occ3DNuScenesDataset

SPARSE = replace(OCC3D, point_cloud_range=(-51.2, -51.2, -3.0, 51.2, 51.2, 5.0), grid_size=(256, 256, 20))
"""Twice 51.2 m in voxels of 0.4 m, as the author's configs; the heights are a default, not from the paper."""


@DATASETS.register_module()
class SparseOccNuScenesDataset(Occ3DNuScenesDataset):
    """nuScenes keyframes on a grid as far as LiDAR reaches; labels are made of the classes of points.

    Its pipeline takes ``LoadPointClasses`` and ``VoxelizePointClasses`` in place of ``LoadOccupancyLabels``, and
    ``LidarSegMetric`` measures it. Arguments are those of :class:`Occ3DNuScenesDataset`.
    """

    METAINFO = SPARSE.as_metainfo()
