"""The voxels of Occ3D: 200 x 200 x 16 of 0.4 m in the key ego frame."""

import numpy as np

GRID_SHAPE = (200, 200, 16)
GRID_MIN = np.array([-40.0, -40.0, -1.0])
VOXEL_SIZE = 0.4


def to_voxels(points: np.ndarray) -> np.ndarray:
    """Points (..., 3) in metres in units of voxels: voxel ``i`` reaches from ``i`` to ``i + 1``."""
    return (points - GRID_MIN) / VOXEL_SIZE
