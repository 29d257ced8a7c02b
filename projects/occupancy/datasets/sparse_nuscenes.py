"""The grid of the sparse task: nuScenes lidarseg by voxels."""

from mmdet3d.registry import DATASETS

from projects.occ_eval.classes import SPARSE

from .occ3d_nuscenes import Occ3DNuScenesDataset


@DATASETS.register_module()
class SparseOccNuScenesDataset(Occ3DNuScenesDataset):
    """nuScenes keyframes on a grid as far as LiDAR reaches; labels are made of the classes of points.

    Its pipeline takes ``LoadPointClasses`` and ``VoxelizePointClasses`` in place of ``LoadOccupancyLabels``, and
    ``LidarSegMetric`` measures it. Arguments are those of :class:`Occ3DNuScenesDataset`.
    """

    METAINFO = SPARSE.as_metainfo()
