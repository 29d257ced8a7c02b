"""The voxels of Occ3D: cubes in the key ego frame, as arrays and numbers for kernels."""

import numpy as np

from projects.occ_eval.classes import OCC3D

GRID_SHAPE = OCC3D.grid_size
GRID_MIN = np.array(OCC3D.lower)
VOXEL_SIZE = OCC3D.cube_edge('MiniDrive')


def to_voxels(points: np.ndarray) -> np.ndarray:
    """Points (..., 3) in metres in units of voxels: voxel ``i`` reaches from ``i`` to ``i + 1``."""
    return (points - GRID_MIN) / VOXEL_SIZE
